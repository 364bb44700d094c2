// A browser's user agent under Node.js: JsSIP over a real WebSocket, with a session description in place of media.
// Started with one JSON object as its argument; commands come as JSON lines on stdin, events go as JSON lines to stdout.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

globalThis.window = globalThis;
console.log = console.error; // stdout is for events

const config = JSON.parse(process.argv[2]);
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');

// What JsSIP asks of a browser's media: one description that changes its version with each offer or answer.
globalThis.RTCSessionDescription = class {
  constructor(init) { Object.assign(this, init); }
};
globalThis.RTCPeerConnection = class {
  #version = 0;
  iceGatheringState = 'complete';
  iceConnectionState = 'connected';
  signalingState = 'stable';
  localDescription = null;
  remoteDescription = null;
  addEventListener() {}
  removeEventListener() {}
  close() { this.signalingState = 'closed'; }
  getSenders() { return []; }
  addTrack() {}
  #make(type) { return { type, sdp: config.sdp.replace('VERSION', String(++this.#version)) }; }
  async createOffer() { return this.#make('offer'); }
  async createAnswer() { return this.#make('answer'); }
  async setLocalDescription(description) { this.localDescription = description; }
  async setRemoteDescription(description) { this.remoteDescription = description; }
};

// JsSIP's own WebSocket interface, with what a browser adds by itself: the origin of its page and whom it trusts.
class Socket {
  #socket = null;
  url = config.url;
  via_transport = 'WSS';
  sip_uri = `sip:${new URL(config.url).host};transport=ws`;
  connect() {
    this.#socket = new WebSocket(config.url, 'sip', { origin: config.origin, ca: readFileSync(config.ca) });
    this.#socket.on('open', () => this.onconnect());
    this.#socket.on('close', (code, reason) => this.ondisconnect(code !== 1000, code, String(reason)));
    this.#socket.on('message', (data) => this.ondata(String(data)));
    this.#socket.on('error', (error) => tell('broken', { why: error.message }));
  }
  disconnect() { this.#socket?.close(1000); }
  isConnected() { return this.#socket?.readyState === WebSocket.OPEN; }
  isConnecting() { return this.#socket?.readyState === WebSocket.CONNECTING; }
  send(message) {
    if (!this.isConnected()) return false;
    this.#socket.send(message);
    return true;
  }
  drop() { this.#socket?.terminate(); }
}

const { default: JsSIP } = await import('jssip');
const socket = new Socket();
const agent = new JsSIP.UA({
  sockets: [socket],
  uri: config.uri,
  password: config.password,
  register: Boolean(config.password),
  session_timers: false,
  connection_recovery_min_interval: 1,
});
let call = null;

agent.on('connected', () => tell('connected'));
agent.on('disconnected', () => tell('disconnected'));
agent.on('registered', () => tell('registered'));
agent.on('registrationFailed', ({ cause }) => tell('registrationFailed', { cause }));
agent.on('newRTCSession', ({ originator, session, request }) => {
  call = session;
  session.on('progress', ({ originator: by }) => tell('progress', { by }));
  session.on('accepted', ({ originator: by }) => tell('accepted', { by }));
  session.on('confirmed', ({ originator: by }) => tell('confirmed', { by }));
  session.on('ended', ({ originator: by, cause }) => tell('ended', { by, cause }));
  session.on('failed', ({ originator: by, cause }) => tell('failed', { by, cause }));
  session.on('reinvite', () => tell('reinvite'));
  session.on('sdp', ({ originator: by, sdp }) => { if (by === 'remote') tell('sdp', { sdp }); });
  session.on('newInfo', ({ originator: by, info }) => { if (by === 'remote') tell('info', { body: info.body }); });
  if (originator === 'remote') tell('incoming', { from: request.from.uri.toString(), to: request.ruri.toString() });
});

const nothing = { mediaConstraints: { audio: false, video: false } };
const commands = {
  call: ({ to }) => agent.call(to, nothing),
  answer: () => call.answer(nothing),
  refuse: ({ status }) => call.terminate({ status_code: status }),
  hangup: () => call.terminate(),
  change: () => call.renegotiate({}, () => tell('changed')),
  press: ({ tone }) => call.sendDTMF(tone, { transportType: 'INFO' }),
  drop: () => socket.drop(),
};
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  })
  .on('close', () => { agent.stop(); setTimeout(() => process.exit(0), 200); });
agent.start();
