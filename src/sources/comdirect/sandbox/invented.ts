/** Invented people, shops and companies. Any likeness to real ones is chance. */

/** Where cards are used. */
export const shops: readonly { readonly name: string; readonly city: string }[] = [
  { name: 'KORNBLUME BAECKEREI', city: 'Musterstadt' },
  { name: 'FRISCHMARKT NORDLICHT', city: 'Beispielhausen' },
  { name: 'TANKHOF SUEDRING', city: 'Musterstadt' },
  { name: 'DROGERIE SEIFENBLASE', city: 'Neudorf am See' },
  { name: 'BUCHHANDLUNG EULENNEST', city: 'Beispielhausen' },
  { name: 'GARTENCENTER GRASHALM', city: 'Altmuster' },
  { name: 'KAFFEEROESTEREI BOHNE', city: 'Musterstadt' },
  { name: 'SPORTHAUS WADENBEISSER', city: 'Neudorf am See' },
  { name: 'APOTHEKE ZUM LOEWENZAHN', city: 'Altmuster' },
  { name: 'ELEKTROMARKT FUNKENFLUG', city: 'Beispielhausen' },
];

/** Who collects direct debits. */
export const companies: readonly {
  readonly name: string;
  readonly creditorId: string;
  readonly text: string;
}[] = [
  {
    name: 'MUSTER VERSICHERUNG AG',
    creditorId: 'DE98ZZZ09999999901',
    text: 'Beitrag Haftpflicht- und Hausratversicherung, Vertrag 4711',
  },
  {
    name: 'Stadtwerke Musterstadt GmbH',
    creditorId: 'DE98ZZZ09999999902',
    text: 'Abschlag Strom und Gas, Kundennummer 20815',
  },
  { name: 'Fernsprech Beispiel GmbH', creditorId: 'DE98ZZZ09999999903', text: 'Rechnung Mobilfunk' },
  { name: 'Lichtspiel Streaming SE', creditorId: 'DE98ZZZ09999999904', text: 'Monatsabo Lichtspiel' },
  { name: 'Turnverein Altmuster e.V.', creditorId: 'DE98ZZZ09999999905', text: 'Mitgliedsbeitrag' },
  // The 35th character of the text is an umlaut, so that it stands at the border of a line.
  {
    name: 'Zeitungsverlag Übersee KG',
    creditorId: 'DE98ZZZ09999999906',
    text: 'Abonnement Wochenzeitung, 4. Jahr,übliche Größe, zugestellt früh',
  },
];

/** Whose debit comes each month, by the same mandate and for the same amount. */
export const subscription = { company: 'Lichtspiel Streaming SE', mandate: 'M-30415926' };

/** Who sends and receives transfers. */
export const people: readonly string[] = [
  'Mira Musterfrau',
  'Jonas Beispiel',
  'Erika Erfunden',
  'Ole Platzhalter',
  'Sönke Ausgedacht',
  'Greta Größenwahn',
];

/** Who pays the salary. */
export const employer = 'Werkstatt Zukunft GmbH';
/** Who gets the rent. */
export const landlord = 'Hausverwaltung Sonnenhof';
