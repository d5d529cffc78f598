import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, readIfThere } from './files.mjs';

const POLL_MS = 200;
const UNSIGNED_MS = 5_000;
const NOBODY = 0;

/** Lets one process per checkout do this at a time. The lock is a directory because making one is atomic everywhere. */
export function locked(work) {
  const lock = join(tmpdir(), `graphium-install-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}`);
  let said = false;
  while (!tryLock(lock)) {
    if (!said) console.log('Graphium: another process is installing, waiting for it');
    said = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  // A failing npm ends this process from within `work`, so the lock is also removed on exit.
  const unlock = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', unlock);
  work();
  process.removeListener('exit', unlock);
  unlock();
}

function tryLock(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = ownerOf(lock);
  if (owner === undefined || isRunning(owner)) return false;
  moveAway(lock);
  return tryLock(lock);
}

/** Removes a dead owner's lock. Renaming is atomic: of several who find the same one, a single one moves it away. */
function moveAway(lock) {
  const aside = `${lock}-${process.pid}`;
  try {
    renameSync(lock, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** @returns the pid in the lock; NOBODY if it was made a while ago and never signed; undefined if that may still come */
function ownerOf(lock) {
  const pid = Number(readIfThere(join(lock, 'pid')));
  if (pid > 0) return pid;
  try {
    return Date.now() - statSync(lock).mtimeMs > UNSIGNED_MS ? NOBODY : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  if (pid === NOBODY) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
