// SPDX-License-Identifier: BSL-1.0
//
// serve.mjs: a Helia peer that has one file, until it is ended.
//
//   node serve.mjs [--size 256M] [--leaf 256K] [--links 174] [--seed 1] [--file PATH] [--out PATH] [--bootstrap MULTIADDR]
//
// Prints PEER ID, MULTIADDR ADDRESS..., CID CID, SHA256 HEX, BYTES N, then READY. The file is what the seed gives,
// or PATH's content; --out writes it. With --dht and --bootstrap it tells the peer there that it has the file.
import { createHash } from 'node:crypto'
import { createReadStream, openSync, writeSync } from 'node:fs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { bytes, commandLine, connect, content, main, printAddresses, start } from './peer.mjs'

const options = commandLine('serve.mjs', 0, {
  size: { type: 'string', default: '256M' },
  leaf: { type: 'string', default: '256K' },
  links: { type: 'string', default: '174' },
  seed: { type: 'string', default: '1' },
  file: { type: 'string' },
  out: { type: 'string' },
  bootstrap: { type: 'string' }
})

const hash = createHash('sha256')
let size = 0

async function * noted () {
  const out = options.out === undefined ? undefined : openSync(options.out, 'w')
  const source = options.file === undefined
    ? content(bytes(options.size), options.seed)
    : createReadStream(options.file, { highWaterMark: 1 << 20 })
  for await (const piece of source) {
    hash.update(piece)
    size += piece.length
    if (out !== undefined) writeSync(out, piece)
    yield piece
  }
}

await main(async () => {
  const peer = await start(options)
  let root
  for await (const entry of importer([{ content: noted() }], peer.blockstore, {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: bytes(options.leaf) }),
    layout: balanced({ maxChildrenPerNode: Number(options.links) })
  })) root = entry.cid
  printAddresses(peer)
  console.log('CID', root.toString())
  console.log('SHA256', hash.digest('hex'))
  console.log('BYTES', size)
  if (options.bootstrap !== undefined) await connect(peer, options.bootstrap)
  if (options.dht) for await (const step of peer.libp2p.services.dht.provide(root)) void step
  console.log('READY')
})
