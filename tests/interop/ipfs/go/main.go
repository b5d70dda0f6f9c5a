// SPDX-License-Identifier: BSL-1.0
//
// A peer of the Go implementation of IPFS: libp2p, Bitswap and UnixFS as Kubo has them (go-libp2p, boxo).
//
//	go-peer serve [-size N] [-leaf N] [-links N] [-seed TEXT] [-file PATH]   has one file, until it is ended
//	go-peer fetch MULTIADDR CID                                             fetches a file from one peer
//	go-peer neighbours                                                      says and hears who is near, until it is ended
//
// Each also takes -listen MULTIADDR, -mdns and -swarm-key FILE. They print what the programs for Helia beside this folder
// print. There is no DHT in it.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	unixio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multihash"
)

type options struct {
	listen, swarmKey, seed, file string
	size, leaf                   int64
	links                        int
	mdns                         bool
	arguments                    []string
}

func parse(command string, arguments []string) options {
	var o options
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	flags.StringVar(&o.listen, "listen", "/ip4/127.0.0.1/tcp/0", "where to listen")
	flags.StringVar(&o.swarmKey, "swarm-key", "", "the key file of a private network")
	flags.BoolVar(&o.mdns, "mdns", false, "tell and hear by multicast DNS who is near")
	flags.Int64Var(&o.size, "size", 256<<20, "bytes of the file")
	flags.Int64Var(&o.leaf, "leaf", 256<<10, "bytes of a leaf")
	flags.IntVar(&o.links, "links", 174, "links of a node")
	flags.StringVar(&o.seed, "seed", "1", "what the file is made from")
	flags.StringVar(&o.file, "file", "", "a file to serve instead")
	_ = flags.Parse(arguments)
	o.arguments = flags.Args()
	return o
}

// The same bytes as peer.mjs makes from the seed.
func content(o options) (io.Reader, error) {
	if o.file != "" {
		return os.Open(o.file)
	}
	key := sha256.Sum256([]byte("shoal content " + o.seed))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	stream := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	return io.LimitReader(cipher.StreamReader{S: stream, R: zeros{}}, o.size), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Prints whom mDNS finds.
type finder struct{ self peer.ID }

func (f finder) HandlePeerFound(found peer.AddrInfo) {
	if found.ID == f.self {
		return
	}
	words := []string{"FOUND", found.ID.String()}
	for _, address := range found.Addrs {
		words = append(words, address.String())
	}
	fmt.Println(strings.Join(words, " "))
}

func start(o options) (host.Host, error) {
	settings := []libp2p.Option{
		libp2p.ListenAddrStrings(o.listen),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
	}
	if o.swarmKey != "" {
		file, err := os.Open(o.swarmKey)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		key, err := pnet.DecodeV1PSK(file)
		if err != nil {
			return nil, err
		}
		settings = append(settings, libp2p.PrivateNetwork(key))
	}
	h, err := libp2p.New(settings...)
	if err != nil {
		return nil, err
	}
	if o.mdns {
		if err := mdns.NewMdnsService(h, "", finder{h.ID()}).Start(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func printAddresses(h host.Host) {
	fmt.Println("PEER", h.ID())
	for _, address := range h.Addrs() {
		fmt.Printf("MULTIADDR %s/p2p/%s\n", address, h.ID())
	}
}

func exchange(ctx context.Context, h host.Host, store blockstore.Blockstore) *bitswap.Bitswap {
	streams := bsnet.NewFromIpfsHost(h)
	swap := bitswap.New(ctx, streams, nil, store)
	streams.Start(swap)
	return swap
}

func newStore() blockstore.Blockstore {
	return blockstore.NewBlockstore(sync.MutexWrap(datastore.NewMapDatastore()))
}

func serve(ctx context.Context, o options) error {
	h, err := start(o)
	if err != nil {
		return err
	}
	store := newStore()
	source, err := content(o)
	if err != nil {
		return err
	}
	hash := sha256.New()
	var size counter
	counted := io.TeeReader(source, io.MultiWriter(hash, &size))
	builder, err := (&helpers.DagBuilderParams{
		Maxlinks:   o.links,
		RawLeaves:  true,
		CidBuilder: cid.V1Builder{Codec: cid.DagProtobuf, MhType: multihash.SHA2_256},
		Dagserv:    merkledag.NewDAGService(blockservice.New(store, nil)),
	}).New(chunk.NewSizeSplitter(counted, o.leaf))
	if err != nil {
		return err
	}
	root, err := balanced.Layout(builder)
	if err != nil {
		return err
	}
	exchange(ctx, h, store)
	printAddresses(h)
	fmt.Println("CID", root.Cid())
	fmt.Printf("SHA256 %x\n", hash.Sum(nil))
	fmt.Println("BYTES", size)
	fmt.Println("READY")
	select {}
}

func fetch(ctx context.Context, o options) error {
	if len(o.arguments) != 2 {
		return errors.New("fetch takes a multiaddr and a CID")
	}
	h, err := start(o)
	if err != nil {
		return err
	}
	root, err := cid.Decode(o.arguments[1])
	if err != nil {
		return err
	}
	store := newStore()
	swap := exchange(ctx, h, store)
	from, err := peer.AddrInfoFromString(o.arguments[0])
	if err != nil {
		return err
	}
	if err := h.Connect(ctx, *from); err != nil {
		return err
	}
	protocols, err := h.Peerstore().GetProtocols(from.ID)
	if err != nil {
		return err
	}
	fmt.Println("CONNECTED", from.ID, protocols)
	dag := merkledag.NewReadOnlyDagService(
		merkledag.NewSession(ctx, merkledag.NewDAGService(blockservice.New(store, swap))))
	begin := time.Now()
	node, err := dag.Get(ctx, root)
	if err != nil {
		return err
	}
	reader, err := unixio.NewDagReader(ctx, node, dag)
	if err != nil {
		return err
	}
	hash := sha256.New()
	size, err := reader.WriteTo(hash)
	if err != nil {
		return err
	}
	seconds := time.Since(begin).Seconds()
	fmt.Printf("SHA256 %x\n", hash.Sum(nil))
	fmt.Println("BYTES", size)
	fmt.Printf("SECONDS %.3f\nMBPS %.1f\n", seconds, float64(size)/1e6/seconds)
	return nil
}

func neighbours(o options) error {
	o.mdns = true
	h, err := start(o)
	if err != nil {
		return err
	}
	printAddresses(h)
	fmt.Println("READY")
	select {}
}

func run() error {
	if len(os.Args) < 2 {
		return errors.New("usage: go-peer serve|fetch|neighbours ...")
	}
	o := parse(os.Args[1], os.Args[2:])
	switch os.Args[1] {
	case "serve":
		return serve(context.Background(), o)
	case "fetch":
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
		defer stop()
		return fetch(ctx, o)
	case "neighbours":
		return neighbours(o)
	}
	return fmt.Errorf("there is no command %q", os.Args[1])
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED", err)
		os.Exit(1)
	}
}
