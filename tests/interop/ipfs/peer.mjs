// SPDX-License-Identifier: BSL-1.0
//
// What the programs beside this file share: a Helia peer from options, and what they print.
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryBlockstore } from 'blockstore-core'
import { MemoryDatastore } from 'datastore-core'
import { createHeliaLight } from 'helia'

/** Options that every program has, beside its own. */
const common = {
  listen: { type: 'string', default: '/ip4/127.0.0.1/tcp/0' },
  key: { type: 'string' },
  dht: { type: 'boolean', default: false },
  mdns: { type: 'boolean', default: false },
  'swarm-key': { type: 'string' }
}

/** The command line, or the end with the usage. `names`: what the arguments that are no options are. */
export function commandLine (usage, names, own = {}) {
  try {
    const { values, positionals } = parseArgs({ options: { ...common, ...own }, allowPositionals: true })
    if (positionals.length === names) return { ...values, arguments: positionals }
  } catch (error) {
    console.error(error.message)
  }
  console.error(`usage: ${usage} [--listen MULTIADDR] [--key N] [--dht] [--mdns] [--swarm-key FILE]`)
  process.exit(2)
}

/**
 * A started peer. `key`: a number that gives it an identity which is the same each time. `dht`: it is a server of the
 * DHT of the local network.
 */
export async function start (options) {
  const seed = options.key === undefined
    ? randomBytes(32)
    : createHash('sha256').update(`shoal interop ${options.key}`).digest()
  const services = { identify: identify(), identifyPush: identifyPush(), ping: ping() }
  if (options.dht) {
    services.dht = kadDHT({
      protocol: '/ipfs/lan/kad/1.0.0',
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      allowQueryWithZeroPeers: true
    })
  }
  const settings = {
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: [options.listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    peerDiscovery: options.mdns ? [mdns()] : [],
    connectionGater: { denyDialMultiaddr: () => false },
    // tests make connections as fast as they can
    connectionManager: { inboundConnectionThreshold: 1000 },
    services
  }
  if (options['swarm-key'] !== undefined) {
    settings.connectionProtector = preSharedKey({ psk: readFileSync(options['swarm-key']) })
  }
  const stores = { blockstore: new MemoryBlockstore(), datastore: new MemoryDatastore() }
  const peer = withBitswap(withLibp2pLight(createHeliaLight(stores), settings))
  await peer.start()
  return peer
}

export function printAddresses (peer) {
  console.log('PEER', peer.libp2p.peerId.toString())
  for (const address of peer.libp2p.getMultiaddrs()) console.log('MULTIADDR', address.toString())
}

/** Connects, waits until the other side has told what it speaks and, if both do, until the DHT has noticed it. */
export async function connect (peer, address) {
  const told = new Map()
  peer.libp2p.addEventListener('peer:identify', ({ detail }) => told.set(detail.peerId.toString(), detail.protocols))
  const connection = await peer.libp2p.dial(multiaddr(address))
  const id = connection.remotePeer.toString()
  await until(() => told.has(id), `${id} does not say what it speaks`)
  const { dht } = peer.libp2p.services
  if (dht !== undefined && told.get(id).includes(dht.protocol)) {
    await until(() => dht.routingTable.size > 0, `${id} is not good enough for the DHT`)
  }
  console.log('CONNECTED', id, told.get(id).join(' '))
  return connection
}

async function until (holds, otherwise) {
  for (let tries = 0; !holds(); ++tries) {
    if (tries === 1000) throw new Error(otherwise)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Bytes that look random and are the same for the same seed, in pieces. */
export function * content (size, seed) {
  const zeros = Buffer.alloc(1 << 20)
  const key = createHash('sha256').update(`shoal content ${seed}`).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  for (let left = size; left > 0; left -= zeros.length) {
    yield stream.update(left < zeros.length ? zeros.subarray(0, left) : zeros)
  }
}

/** A size as people write it: 65536, 256K, 1M, 2G. */
export function bytes (text) {
  const match = /^(\d+)([KMG]?)$/.exec(text)
  if (match === null) throw new Error(`'${text}' is no size`)
  return Number(match[1]) * 1024 ** ' KMG'.indexOf(match[2] || ' ')
}

/** Runs the program, and ends with what went wrong where something does. */
export async function main (program) {
  try {
    await program()
  } catch (error) {
    console.error(`FAILED ${error.stack}`)
    process.exit(1)
  }
}
