/** Answers that give a client its own secrets back, in every place that an error might quote. */
import type { Answered, Passing } from './listening-proxy.ts';

/** All that a request and the answer to it hold. */
const everything = ({ url, headers, body }: Passing, { body: answer }: Answered): string =>
  `${url} ${headers.authorization} ${JSON.stringify(headers)} ${decodeURIComponent(body.replaceAll('+', ' '))} ${body} ${answer}`;

/** The values of a request and its answer one by one, as a server might put them into a field of their own. */
const values = (passing: Passing, answered: Answered): string[] => [
  ...new URLSearchParams(passing.body).values(),
  ...(passing.headers.authorization?.split(' ').slice(1) ?? []),
  ...[...answered.body.matchAll(/"(?:access_token|refresh_token|iban|accountDisplayId)":"([^"]+)"/g)].map(
    ([, value = '']) => value,
  ),
];

const json = { 'content-type': 'application/json' };
/** What an answer is turned into, by what the server does. */
export const echoes: [string, (passing: Passing, answered: Answered) => Answered][] = [
  ...[400, 401, 422, 500].map((status): [string, (typeof echoes)[number][1]] => [
    `says ${status} and repeats what it was sent, field by field`,
    (passing, answered) => {
      const messages = values(passing, answered).map((key) => ({
        key,
        severity: key,
        message: everything(passing, answered),
      }));
      const [, code] = values(passing, answered);
      return {
        status,
        headers: json,
        body: JSON.stringify({ code, messages, error: code, error_description: code }),
      };
    },
  ]),
  [
    'repeats what it was sent as broken JSON',
    (...both) => ({ status: 200, headers: json, body: `{"${everything(...both)}` }),
  ],
  [
    'repeats what it was sent as HTML',
    (...both) => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: `<p>${everything(...both)}`,
    }),
  ],
  [
    'puts it into the address of a redirect',
    (...both) => ({
      status: 302,
      headers: { location: `https://elsewhere.example/${encodeURIComponent(everything(...both))}` },
      body: '',
    }),
  ],
  [
    'puts it into headers',
    (...both) => ({
      status: 503,
      headers: {
        'retry-after': encodeURIComponent(everything(...both)),
        'x-once-authentication-info': encodeURI(everything(...both)),
      },
      body: '',
    }),
  ],
];
