/** Counts TAN challenges and TANs on disk, and knows a refused PIN, so that no number of runs can lock the person's account. */
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile, withProcessLock, writeFileAtomic } from '../../auth/index.ts';
import { stateFolder } from '../../config/index.ts';
import { PlumbingError } from '../../errors/index.ts';
import { loginKey } from './config.ts';
import type { ComdirectConfig } from './config.ts';
import { isRefused, refusedSchema, withRefused } from './refused-credentials.ts';

/** What was asked of the bank since the last login that succeeded. */
export interface ChallengeCounts {
  /** TAN challenges that were requested and not yet confirmed. The bank locks the account at five. */
  readonly challenges: number;
  /** TANs that were sent and not yet accepted. The bank locks the account at three. */
  readonly tans: number;
}

const maxChallenges = 3;
const maxTans = 2;
const none: ChallengeCounts = { challenges: 0, tans: 0 };
const ledgerSchema = z.object({
  challenges: z.int().min(0),
  tans: z.int().min(0),
  refused: refusedSchema.optional(),
});

const recovery =
  'Log in once on the bank’s website or app and confirm a TAN there, which resets the bank’s own count; then run: plumbing auth comdirect reset-challenges';

/**
 * The count of open challenges and TANs of one person. A number is written before the request it stands for, so a
 * process that dies in between has counted too much, never too little. Kept in a private file, under a lock among
 * processes; a file that cannot be read counts as full.
 *
 * The bank locks the account after five unconfirmed challenges or three wrong TANs (reference: comdirect REST API
 * 4/2020, section 2.3 and 2.4); this stops after three and two, because others may ask as well.
 *
 * @example
 * ```ts
 * const { challenges } = await ChallengeLedger.of(config).counts();
 * ```
 */
export class ChallengeLedger {
  readonly #path: string;

  /** A ledger in the file `path`. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The ledger of the person of `config`, in the state folder or another one. */
  static of(config: ComdirectConfig, folder: string = stateFolder()): ChallengeLedger {
    return new ChallengeLedger(join(folder, `comdirect-${loginKey(config, 'person')}.challenges.json`));
  }

  /** What is open now. `AUTH_CHALLENGE_LIMIT` when the file is damaged, `TOKEN_STORE_UNSAFE` when others may read it. */
  async counts(): Promise<ChallengeCounts> {
    const { challenges, tans } = await this.#read();
    return { challenges, tans };
  }

  async #read(): Promise<z.infer<typeof ledgerSchema>> {
    const bytes = await readPrivateFile(this.#path);
    if (!bytes) return none;
    try {
      return ledgerSchema.parse(JSON.parse(bytes.toString('utf8')));
    } catch {
      throw new PlumbingError(
        'AUTH_CHALLENGE_LIMIT',
        `the count of open TAN challenges in ${this.#path} is damaged, so nothing was sent. ${recovery}`,
      );
    }
  }

  /** Refuses with `AUTH_CHALLENGE_LIMIT` when another login would be a risk. */
  async check(): Promise<void> {
    refuseBeyondLimit(await this.counts());
  }

  /** Refuses with `AUTH_REJECTED` when the bank has refused these credentials: it locks the account after several wrong PINs. */
  async checkCredentials(config: ComdirectConfig): Promise<void> {
    const { refused } = await this.#read();
    if (!refused || !(await isRefused(config, refused))) return;
    throw new PlumbingError(
      'AUTH_REJECTED',
      'comdirect: the bank has refused these credentials before, so nothing was sent: it locks the account after several wrong PINs. Correct COMDIRECT_*; if they are right by now, run: plumbing auth comdirect reset-challenges',
    );
  }

  /** Notes that the bank has refused these credentials, as a salted hash. Forgotten by {@link reset}. */
  async noteRefused(config: ComdirectConfig): Promise<void> {
    await this.#locked(async () => {
      const ledger = await this.#read();
      await this.#write({ ...ledger, refused: await withRefused(config, ledger.refused) });
    });
  }

  /** Counts a challenge that is about to be requested, or refuses it. */
  async takeChallenge(signal?: AbortSignal): Promise<void> {
    await this.#locked(async () => {
      const counts = await this.#read();
      refuseBeyondLimit(counts);
      await this.#write({ ...counts, challenges: counts.challenges + 1 });
    }, signal);
  }

  /** Counts a TAN that is about to be sent, or refuses it. */
  async takeTan(signal?: AbortSignal): Promise<void> {
    await this.#locked(async () => {
      const counts = await this.#read();
      // The challenge of this login is among those counted: only the TANs may be the reason to refuse.
      if (counts.tans >= maxTans) throw limitReached(counts);
      await this.#write({ ...counts, tans: counts.tans + 1 });
    }, signal);
  }

  /** Starts again at none, and forgets refused credentials: after a login that succeeded, or when the person has confirmed a TAN elsewhere. */
  async reset(): Promise<void> {
    await this.#locked(() => this.#write(none));
  }

  #locked(work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    return withProcessLock(`${this.#path}.lock`, work, { signal });
  }

  #write(counts: z.infer<typeof ledgerSchema>): Promise<void> {
    return writeFileAtomic(this.#path, `${JSON.stringify(counts)}\n`);
  }
}

function refuseBeyondLimit(counts: ChallengeCounts): void {
  if (counts.challenges >= maxChallenges || counts.tans >= maxTans) throw limitReached(counts);
}

function limitReached({ challenges, tans }: ChallengeCounts): PlumbingError {
  const what =
    tans >= maxTans
      ? `${tans} TANs were sent and not accepted; the bank locks the account at 3 wrong ones`
      : `${challenges} TAN challenges were requested and none was confirmed; the bank locks the account at 5`;
  return new PlumbingError('AUTH_CHALLENGE_LIMIT', `comdirect: ${what}. Nothing was sent. ${recovery}`, {
    context: { challenges, tans },
  });
}
