/** Invented people, shops and companies. Any likeness to real ones is chance. */

export const shops: readonly (readonly [name: string, city: string])[] = [
  ['KORNBLUME BAECKEREI', 'Musterstadt'],
  ['FRISCHMARKT NORDLICHT', 'Beispielhausen'],
  ['TANKHOF SUEDRING', 'Musterstadt'],
  ['DROGERIE SEIFENBLASE', 'Neudorf am See'],
  ['BUCHHANDLUNG EULENNEST', 'Beispielhausen'],
  ['GARTENCENTER GRASHALM', 'Altmuster'],
  ['KAFFEEROESTEREI BOHNE', 'Musterstadt'],
  ['SPORTHAUS WADENBEISSER', 'Neudorf am See'],
  ['APOTHEKE ZUM LOEWENZAHN', 'Altmuster'],
  ['ELEKTROMARKT FUNKENFLUG', 'Beispielhausen'],
];

export const companies: readonly (readonly [name: string, creditorId: string, text: string])[] = [
  [
    'MUSTER VERSICHERUNG AG',
    'DE98ZZZ09999999901',
    'Beitrag Haftpflicht- und Hausratversicherung, Vertrag 4711',
  ],
  ['Stadtwerke Musterstadt GmbH', 'DE98ZZZ09999999902', 'Abschlag Strom und Gas, Kundennummer 20815'],
  ['Fernsprech Beispiel GmbH', 'DE98ZZZ09999999903', 'Rechnung Mobilfunk'],
  ['Lichtspiel Streaming SE', 'DE98ZZZ09999999904', 'Monatsabo Lichtspiel'],
  ['Turnverein Altmuster e.V.', 'DE98ZZZ09999999905', 'Mitgliedsbeitrag'],
  // The 35th character of the text is an umlaut, so that it stands at the border of a line.
  [
    'Zeitungsverlag Übersee KG',
    'DE98ZZZ09999999906',
    'Abonnement Wochenzeitung, 4. Jahr,übliche Größe, zugestellt früh',
  ],
];

export const people: readonly string[] = [
  'Mira Musterfrau',
  'Jonas Beispiel',
  'Erika Erfunden',
  'Ole Platzhalter',
  'Sönke Ausgedacht',
  'Greta Größenwahn',
];

export const employer = 'Werkstatt Zukunft GmbH';
export const landlord = 'Hausverwaltung Sonnenhof';
