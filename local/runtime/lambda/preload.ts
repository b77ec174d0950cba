/**
 * Loaded before a function's code (`node --import`). The function uses the real names of Microsoft's hosts; only where a
 * connection to them really goes is substituted, below everything that the function does itself: DNS names, TLS names,
 * certificates and host lists stay as they are in production. Everything else that is not on this machine is refused, so
 * that a function on the local stack can never talk to the internet by mistake.
 */
import { Socket } from 'node:net';

const addresses = readAddresses(process.env.KBROKER_LOCAL_ADDRESSES);
// A function sees the environment of the template and of Lambda, and nothing of the runner's.
delete process.env.KBROKER_LOCAL_ADDRESSES;

/** `host:port` to `127.0.0.1:port`. */
function readAddresses(text: string | undefined): ReadonlyMap<string, string> {
  const value: unknown = JSON.parse(text ?? '{}');
  if (typeof value !== 'object' || value === null) throw new TypeError('KBROKER_LOCAL_ADDRESSES is no object');
  return new Map(Object.entries(value).map(([name, target]) => [name.toLowerCase(), String(target)]));
}

interface Target {
  readonly host?: string;
  readonly port?: number | string;
  readonly path?: string;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);

/** Where a connection goes instead; the target itself when it stays; undefined when it must not be made. */
function substitute(target: Target): Target | undefined {
  if (target.path !== undefined) return target;
  const host = (target.host ?? 'localhost').toLowerCase();
  const substituted = addresses.get(`${host}:${target.port}`);
  if (substituted !== undefined) {
    const colon = substituted.lastIndexOf(':');
    return { ...target, host: substituted.slice(0, colon), port: Number(substituted.slice(colon + 1)) };
  }
  return isLoopback(host) ? target : undefined;
}

const connect = Socket.prototype.connect;

/**
 * The forms of the arguments: a list that node:net has already normalised (options first), options, or port and host.
 */
function readTarget(args: readonly unknown[]): Target {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first };
  return { port: Number(first), ...(typeof args[1] === 'string' ? { host: args[1] } : {}) };
}

function connectSubstituted(this: Socket, ...args: unknown[]): Socket {
  const target = readTarget(args);
  const substituted = substitute(target);
  if (substituted === undefined) {
    const error = new Error(`connect to ${target.host}:${target.port} refused: not a host of the local stack`);
    process.nextTick(() => this.destroy(Object.assign(error, { code: 'ENETUNREACH', syscall: 'connect' })));
    return this;
  }
  const [first] = args;
  if (Array.isArray(first)) {
    // Changed in place: the list carries node:net's own mark that it is normalised.
    if (typeof first[0] === 'object') first[0] = substituted;
    return Reflect.apply(connect, this, args);
  }
  const callback = args.findLast((argument) => typeof argument === 'function');
  return Reflect.apply(connect, this, callback === undefined ? [substituted] : [substituted, callback]);
}

Object.defineProperty(Socket.prototype, 'connect', { value: connectSubstituted, writable: true, configurable: true });
