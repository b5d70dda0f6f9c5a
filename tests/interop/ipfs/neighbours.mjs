// SPDX-License-Identifier: BSL-1.0
//
// neighbours.mjs: a peer that says by multicast DNS where it is and hears of others, until it is ended.
//
//   node neighbours.mjs [--listen MULTIADDR]
//
// Prints PEER ID, MULTIADDR ADDRESS..., READY, and FOUND ID ADDRESS... for each peer that it hears of.
import { commandLine, main, printAddresses, start } from './peer.mjs'

const options = commandLine('neighbours.mjs', 0)

await main(async () => {
  const peer = await start({ ...options, mdns: true })
  const seen = new Set()
  peer.libp2p.addEventListener('peer:discovery', ({ detail }) => {
    const line = ['FOUND', detail.id, ...detail.multiaddrs].join(' ')
    if (!seen.has(line)) console.log(line)
    seen.add(line)
  })
  printAddresses(peer)
  console.log('READY')
})
