/** Why a load can not be taken back. */
import { PlumbingError } from '../../errors/index.ts';

/** The refusal: what, where, why, and what to do. Thrown before anything is changed. */
export function undoRefused(path: string, loadId: string, why: string, advice: string): PlumbingError {
  return new PlumbingError(
    'UNDO_REFUSED',
    `${path}: load ${loadId} can not be taken back: ${why}. Nothing was changed; ${advice}`,
    { context: { loadId } },
  );
}
