// SPDX-License-Identifier: BSL-1.0
//
// findprovs.mjs: asks the DHT of the local network who has a CID.
//
//   node findprovs.mjs BOOTSTRAP_MULTIADDR CID
//
// Prints PROVIDER ID ADDRESS... for each, then FOUND N; exit code 1 when there is none.
import { CID } from 'multiformats/cid'
import { commandLine, connect, main, start } from './peer.mjs'

const options = commandLine('findprovs.mjs BOOTSTRAP_MULTIADDR CID', 2, { timeout: { type: 'string', default: '20' } })
const [bootstrap, cid] = options.arguments

await main(async () => {
  const peer = await start({ ...options, dht: true })
  await connect(peer, bootstrap)
  const seen = new Set()
  const signal = AbortSignal.timeout(Number(options.timeout) * 1000)
  for await (const step of peer.libp2p.services.dht.findProviders(CID.parse(cid), { signal })) {
    for (const provider of step.providers ?? []) {
      const id = provider.id.toString()
      if (seen.has(id)) continue
      seen.add(id)
      console.log('PROVIDER', id, ...provider.multiaddrs.map(address => address.toString()))
    }
  }
  console.log('FOUND', seen.size)
  process.exit(seen.size > 0 ? 0 : 1)
})
