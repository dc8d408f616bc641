/** The sandbox bank in a process of its own: prints its environment as one line of JSON, and serves until it is ended. */
import { startComdirectSandbox } from 'plumbing-core/sources/comdirect/sandbox';

const rows = Number(process.argv[2]);
const historyDays = 1_000;
const bank = await startComdirectSandbox({
  accounts: 1,
  historyDays,
  transactionsPerDay: rows / historyDays,
  approveAfterMs: 0,
});
console.log(JSON.stringify(bank.environment));
process.on('SIGTERM', () => {
  console.error(JSON.stringify({ cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 }));
  process.exit();
});
