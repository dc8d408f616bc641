/** What the bank asks of the person: the TAN challenge. */
import { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';

/** A TAN method: `P_TAN_PUSH` (approve in the app), `P_TAN` (photoTAN graphic), `M_TAN` (text message), or another the bank offers. */
export type TanMethod = 'P_TAN_PUSH' | 'P_TAN' | 'M_TAN' | (string & {});

/** What the person is asked to do. */
export interface Challenge {
  /** The method that the bank chose. */
  readonly type: TanMethod;
  /** The methods that the person has activated. */
  readonly availableTypes: readonly string[];
  /**
   * `tan`: a TAN must be given. `approve`: approve in the app, which is noticed by itself. `confirm`: approve in the
   * app and say so, because the bank gave no way to notice it.
   */
  readonly action: 'tan' | 'approve' | 'confirm';
  /** `P_TAN`: the photoTAN graphic, a PNG. */
  readonly image?: Uint8Array;
  /** `M_TAN`: the number that the text message went to, masked by the bank. */
  readonly phoneNumber?: string;
}

/** A challenge with what only the login needs. */
export interface PendingChallenge {
  readonly id: string;
  /** Where the approval of a push TAN can be seen. */
  readonly link: string | undefined;
  /** `false` when the bank asks for nothing. */
  readonly isNeeded: boolean;
  readonly challenge: Challenge;
}

const headerSchema = z.looseObject({
  id: z.union([z.string().min(1), z.number()]).transform(String),
  typ: z.string(),
  availableTypes: z.array(z.string()).nullish(),
  challenge: z.string().nullish(),
  link: z.looseObject({ href: z.string() }).nullish(),
});

/**
 * Reads the header `x-once-authentication-info` of the answer to a validate call.
 *
 * Reference: comdirect REST API 4/2020, section 2.3; the link is not in it, but every live answer for a push TAN has one.
 *
 * @throws PlumbingError `AUTH_CHALLENGE_FAILED` when it is missing or unreadable.
 */
export function readChallenge(header: string | null): PendingChallenge {
  const parsed = headerSchema.safeParse(jsonIn(header));
  if (!parsed.success) {
    throw new PlumbingError(
      'AUTH_CHALLENGE_FAILED',
      'comdirect: the answer to the TAN request carries no readable challenge; try again later',
    );
  }
  const { id, typ, challenge, link } = parsed.data;
  const wantsTan = typ === 'P_TAN' || typ === 'M_TAN';
  return {
    id,
    link: wantsTan ? undefined : link?.href,
    isNeeded: typ !== 'TAN_FREI' && typ !== 'TAN_FREE',
    challenge: {
      type: typ,
      availableTypes: parsed.data.availableTypes ?? [],
      action: wantsTan ? 'tan' : link ? 'approve' : 'confirm',
      ...(typ === 'P_TAN' && challenge && { image: Uint8Array.from(Buffer.from(challenge, 'base64')) }),
      ...(typ === 'M_TAN' && challenge && { phoneNumber: challenge }),
    },
  };
}

function jsonIn(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
