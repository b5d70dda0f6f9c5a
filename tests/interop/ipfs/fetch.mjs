// SPDX-License-Identifier: BSL-1.0
//
// fetch.mjs: fetches a file by Bitswap from one peer with Helia.
//
//   node fetch.mjs MULTIADDR CID [--out PATH]
//
// Prints CONNECTED ID PROTOCOLS, SHA256 HEX, BYTES N, SECONDS S, MBPS M (megabytes a second, for the record).
import { createHash } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { exporter } from 'ipfs-unixfs-exporter'
import { CID } from 'multiformats/cid'
import { commandLine, connect, main, start } from './peer.mjs'

const options = commandLine('fetch.mjs MULTIADDR CID', 2, {
  out: { type: 'string' },
  timeout: { type: 'string', default: '300' }
})
const [address, root] = options.arguments

await main(async () => {
  const peer = await start(options)
  const connection = await connect(peer, address)
  const cid = CID.parse(root)
  const session = peer.blockstore.createSession(cid, { providers: [connection.remotePeer.toCID()] })
  const signal = AbortSignal.timeout(Number(options.timeout) * 1000)
  const out = options.out === undefined ? undefined : openSync(options.out, 'w')
  const hash = createHash('sha256')
  let size = 0
  const begin = performance.now()
  const entry = await exporter(cid, session, { signal })
  for await (const piece of entry.content({ signal })) {
    hash.update(piece)
    size += piece.length
    if (out !== undefined) writeSync(out, piece)
  }
  const seconds = (performance.now() - begin) / 1000
  console.log('SHA256', hash.digest('hex'))
  console.log('BYTES', size)
  console.log('SECONDS', seconds.toFixed(3))
  console.log('MBPS', (size / 1e6 / seconds).toFixed(1))
  process.exit(0)
})
