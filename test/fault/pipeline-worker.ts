/** A pipeline for the command: loads the ledger, and sends its own process a signal at a given failpoint. */
import { onFailpoint } from '../../src/failpoints/index.ts';
import { ledgerPipeline } from './ledger-source.ts';

const { LEDGER = '', GENERATION = '1', STAGED = '', FAILPOINT = '', SIGNAL = 'SIGTERM' } = process.env;
let isSent = false;
onFailpoint((name) => {
  if (name !== FAILPOINT || isSent) return;
  isSent = true;
  process.kill(process.pid, SIGNAL);
});

export default ledgerPipeline(LEDGER, { generation: Number(GENERATION), staged: STAGED !== '' });
