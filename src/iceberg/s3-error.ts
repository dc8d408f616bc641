/** Answers of S3 that are no success, as typed errors that say what to do. */
import { PlumbingError } from '../errors/index.ts';
import type { ErrorCode } from '../errors/index.ts';

/** What an answer said. */
export interface S3Refusal {
  readonly status: number;
  /** The code in the body, e.g. `NoSuchKey`, where there is one. */
  readonly s3Code: string | undefined;
  /** What kind of request it answers. */
  readonly doing: 'read' | 'create' | 'other';
}

interface Meaning {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

const noSpace = /StorageFull|QuotaExceeded|InsufficientCapacity|InsufficientStorage/;

/** The error for an answer; `location` names what was asked for. Status and code of S3 are in its context. */
export function refusal(location: string, answer: S3Refusal): PlumbingError {
  const { status, s3Code } = answer;
  const { code, text, retryable = false } = meaningOf(answer);
  const answered = s3Code === undefined ? `${status}` : `${status} ${s3Code}`;
  return new PlumbingError(code, `${location}: ${text} (S3 answered ${answered})`, {
    retryable,
    context: { location, status, s3Code },
  });
}

function meaningOf({ status, s3Code = '', doing }: S3Refusal): Meaning {
  if (status === 507 || noSpace.test(s3Code)) {
    const text = 'no space is left in the store, or its quota is used up; free some and run again';
    return { code: 'DEST_FULL', text, retryable: true };
  }
  if (doing === 'create' && (status === 412 || status === 409))
    return {
      code: 'COMMIT_CONFLICT',
      text: 'it exists already and was left as it is; another writer was faster',
    };
  if (doing === 'read' && status === 404) {
    const text = 'it is not there, though the table points to it; check the bucket, or restore it';
    return { code: 'DEST_CORRUPT', text };
  }
  if (doing === 'read' && status === 416)
    return { code: 'DEST_CORRUPT', text: 'it is shorter than the table says; restore it' };
  const code = 'DEST_FAILED';
  if (isLater(status, s3Code))
    return { code, text: 'the store has a problem; try again later', retryable: true };
  return { code, text: adviceFor(status, s3Code) };
}

function isLater(status: number, s3Code: string): boolean {
  if (status === 400) return s3Code === 'RequestTimeout';
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function adviceFor(status: number, s3Code: string): string {
  if (s3Code === 'RequestTimeTooSkewed') return "this machine's clock is wrong; set it";
  if (s3Code === 'ExpiredToken' || s3Code === 'TokenRefreshRequired')
    return 'the temporary credentials have expired; get new ones';
  if (status === 401 || status === 403)
    return 'access is not allowed; check the credentials, the region, and what they may do in this bucket';
  if (status === 404) return 'there is no such bucket; check its name and the endpoint';
  if (status >= 300 && status < 400)
    return 'the bucket is somewhere else, and redirects are never followed; check region and endpoint';
  if (status === 501) return 'the store does not know this request; it must support conditional writes';
  return 'the request was refused; check region, endpoint and bucket';
}
