// SPDX-License-Identifier: BSL-1.0
//
// provide.mjs: tells the DHT of the local network that this peer has a CID, and stays until it is ended.
//
//   node provide.mjs BOOTSTRAP_MULTIADDR CID
//
// Prints PEER ID, MULTIADDR ADDRESS..., CONNECTED ID PROTOCOLS, TOLD N (peers that were told), then READY.
import { CID } from 'multiformats/cid'
import { commandLine, connect, main, printAddresses, start } from './peer.mjs'

const options = commandLine('provide.mjs BOOTSTRAP_MULTIADDR CID', 2)
const [bootstrap, cid] = options.arguments

await main(async () => {
  const peer = await start({ ...options, dht: true })
  printAddresses(peer)
  await connect(peer, bootstrap)
  let told = 0
  for await (const step of peer.libp2p.services.dht.provide(CID.parse(cid), { signal: AbortSignal.timeout(60_000) })) {
    // ADD_PROVIDER has no answer: what counts is that it was sent
    if (step.name === 'PEER_RESPONSE' && step.messageName === 'ADD_PROVIDER') ++told
  }
  console.log('TOLD', told)
  console.log('READY')
})
