// Formats and proofs, read and written by implementations that are not ours: Go's
// sumdb/note and tlog, torchwood, transparency-dev's merkle and formats.
//
//	evidence TOOL PAYSAFE_VERIFY FOLDER
//
// FOLDER/log is a log of test/evidence/make_log.c, signed by the key in FOLDER/vkey.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "pay.example/log"

var (
	tool, verifier, folder string
	checks                 int
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(good bool, format string, args ...any) {
	checks++
	if !good {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
}

// ours runs the tool; false: it refuses.
func ours(input string, args ...string) (string, bool) {
	cmd := exec.Command(tool, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	return string(out), err == nil
}

func leaf(i int) []byte { return []byte(strconv.Itoa(i)) }

func decode(words []string) (hashes []tlog.Hash, raw [][]byte) {
	for _, word := range words {
		b := must(base64.StdEncoding.DecodeString(word))
		hashes = append(hashes, tlog.Hash(b))
		raw = append(raw, b)
	}
	return
}

func equal(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// numbered is a tree whose leaves are their numbers, as tlog stores it.
func numbered(n int) tlog.HashReaderFunc {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return
	})
	for i := range n {
		stored = append(stored, must(tlog.StoredHashes(int64(i), leaf(i), read))...)
	}
	return read
}

func trees() {
	const most = 130
	out, ok := ours("", "proofs", strconv.Itoa(most))
	check(ok, "no proofs")
	read := numbered(most)
	hasher := rfc6962.DefaultHasher
	roots := map[int]tlog.Hash{}
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		a, size := must(strconv.Atoi(words[1])), must(strconv.Atoi(words[2]))
		hashes, raw := decode(words[3:])
		switch words[0] {
		case "root":
			roots[size] = must(tlog.TreeHash(int64(size), read))
			check(hashes[0] == roots[size], "root of %d", size)
		case "leaf":
			check(equal(hashes, must(tlog.ProveRecord(int64(size), int64(a), read))), "leaf %d of %d", a, size)
			root := roots[size]
			check(proof.VerifyInclusion(hasher, uint64(a), uint64(size), hasher.HashLeaf(leaf(a)), raw, root[:]) == nil,
				"leaf %d of %d", a, size)
		case "tree":
			check(equal(hashes, must(tlog.ProveTree(int64(size), int64(a), read))), "%d to %d", a, size)
			old, root := roots[a], roots[size]
			check(proof.VerifyConsistency(hasher, uint64(a), uint64(size), raw, old[:], root[:]) == nil, "%d to %d", a, size)
		}
	}
}

func body(size int) string {
	root := must(tlog.TreeHash(int64(size), numbered(size)))
	return string(log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal())
}

// verdict is what the tool says of a note and a key, and the time that it found.
func verdict(message, vkey string) (string, int64) {
	out, ok := ours(message, "verify", vkey)
	words := strings.Fields(out)
	if !ok || len(words) != 2 {
		return "refused", 0
	}
	return words[0], must(strconv.ParseInt(words[1], 10, 64))
}

func notes() {
	text := body(100)
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	check(err == nil, "no key")
	signed := string(must(note.Sign(&note.Note{Text: text}, must(note.NewSigner(skey)))))
	said, _ := verdict(signed, vkey)
	check(said == "good", "Go's note: %s", said)
	line, ok := ours(text, "sign", skey)
	check(ok && text+"\n"+line == signed, "another signature than Go's: %s", line)
	said, _ = verdict(strings.Replace(signed, "\n100\n", "\n101\n", 1), vkey)
	check(said == "bad", "Go's note, changed: %s", said)

	out, ok := ours("", "newkey", origin, "1")
	keys := strings.Fields(out)
	check(ok && len(keys) == 2, "no key")
	line, ok = ours(text, "sign", keys[0])
	check(ok, "no signature")
	v := must(note.NewVerifier(keys[1]))
	n, err := note.Open([]byte(text+"\n"+line), note.VerifierList(v))
	check(err == nil && n.Text == text && len(n.Sigs) == 1, "our note: %v", err)
	checkpoint, rest, _, err := log.ParseCheckpoint([]byte(text+"\n"+line), origin, v)
	check(err == nil && checkpoint.Size == 100 && len(rest) == 0, "our checkpoint: %v", err)
	parsed, err := torchwood.ParseCheckpoint(text)
	check(err == nil && parsed.N == 100 && parsed.Origin == origin && parsed.String() == text, "our checkpoint: %v", err)
}

func cosignatures() {
	text := body(77)
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	_ = public
	theirs := must(torchwood.NewCosignatureSigner("witness.example/w", private))
	before := time.Now().Unix()
	signed := string(must(note.Sign(&note.Note{Text: text}, theirs)))
	said, when := verdict(signed, theirs.Verifier().String())
	check(said == "good" && when >= before && when <= time.Now().Unix(), "torchwood's cosignature: %s %d", said, when)

	out, ok := ours("", "newkey", "witness.example/ours", "4")
	keys := strings.Fields(out)
	check(ok, "no key")
	line, ok := ours(text, "sign", keys[0], "1700000000")
	check(ok, "no cosignature")
	v := must(fnote.NewVerifierForCosignatureV1(keys[1]))
	n, err := note.Open([]byte(text+"\n"+line), note.VerifierList(v))
	check(err == nil && len(n.Sigs) == 1, "our cosignature: %v", err)
	check(must(fnote.CoSigV1Timestamp(n.Sigs[0])).Unix() == 1700000000, "its time")
	check(must(torchwood.CosignatureTimestamp(n.Sigs[0])) == 1700000000, "its time")
}

// mldsa says false where the tool's OpenSSL has no such keys.
func mldsa() bool {
	text := body(78)
	out, ok := ours("", "newkey", "witness.example/ours", "6")
	if !ok {
		return false
	}
	keys := strings.Fields(out)
	line, ok := ours(text, "sign", keys[0], "1700000000")
	check(ok, "no cosignature of ML-DSA-44")
	v := must(fnote.NewMLDSAVerifier(keys[1]))
	n, err := note.Open([]byte(text+"\n"+line), note.VerifierList(v))
	check(err == nil && len(n.Sigs) == 1, "our cosignature of ML-DSA-44: %v", err)
	skey, vkey, err := fnote.GenerateMLDSAKey("witness.example/theirs")
	check(err == nil, "no key: %v", err)
	signed := string(must(note.Sign(&note.Note{Text: text}, must(fnote.NewMLDSASigner(skey)))))
	said, when := verdict(signed, vkey)
	check(said == "good" && when > 1700000000, "their cosignature of ML-DSA-44: %s", said)
	said, _ = verdict(strings.Replace(signed, "\n78\n", "\n79\n", 1), vkey)
	check(said == "bad", "their cosignature of ML-DSA-44, changed: %s", said)
	line, ok = ours(text, "sign", skey, "1700000000")
	check(ok && strings.HasPrefix(line, "— witness.example/theirs "), "their key of ML-DSA-44 is none")
	return true
}

func policies() {
	const n = 4
	var vkeys []string
	var signers []note.Signer
	var witnesses string
	for i := range n {
		_, private, _ := ed25519.GenerateKey(rand.Reader)
		s := must(torchwood.NewCosignatureSigner(fmt.Sprintf("w%d.example", i), private))
		signers = append(signers, s)
		vkeys = append(vkeys, s.Verifier().String())
		witnesses += fmt.Sprintf("witness w%d %s https://w%d.example/\n", i, vkeys[i], i)
	}
	text := body(50)
	for _, rule := range []string{"group g any w0 w1 w2 w3\nquorum g\n", "group g all w0 w1 w2\nquorum g\n", "quorum none\n",
		"group a 2 w0 w1 w2\ngroup b any w3\ngroup g all a b\nquorum g\n", "group g 3 w0 w1 w2 w3\nquorum g\n"} {
		policy := witnesses + rule
		file := filepath.Join(folder, "go.policy")
		check(os.WriteFile(file, []byte(policy), 0o600) == nil, "no file")
		theirs := must(witness.ParsePolicy([]byte(policy)))
		for set := range 1 << n {
			var chosen []note.Signer
			for i := range n {
				if set>>i&1 == 1 {
					chosen = append(chosen, signers[i])
				}
			}
			_, private, _ := ed25519.GenerateKey(rand.Reader)
			chosen = append(chosen, must(torchwood.NewCosignatureSigner("stranger.example", private)))
			signed := must(note.Sign(&note.Note{Text: text}, chosen...))
			said, ok := ours(string(signed), "policy", file)
			check(ok && (said == "met\n") == theirs.Satisfied(signed), "%s cosigned by %b: %s", rule, set, said)
		}
	}
}

func proofFiles() {
	text := body(40)
	skey, vkey, _ := note.GenerateKey(rand.Reader, origin)
	signed := string(must(note.Sign(&note.Note{Text: text}, must(note.NewSigner(skey)))))
	out, ok := ours(signed, "proof", "17")
	check(ok, "no proof file")
	var p fproof.TLogProof
	check(p.Unmarshal([]byte(out)) == nil && p.Index == 17 && string(p.ExtraData) == "extra data" && string(p.Checkpoint) == signed,
		"our proof file: %s", out)
	var raw [][]byte
	for _, h := range p.Hashes {
		raw = append(raw, h[:])
	}
	root := must(tlog.TreeHash(40, numbered(40)))
	hasher := rfc6962.DefaultHasher
	check(proof.VerifyInclusion(hasher, 17, 40, hasher.HashLeaf(leaf(17)), raw, root[:]) == nil, "our proof")
	check(string(p.Marshal()) == out, "our proof file, written by them: %s", p.Marshal())

	p.ExtraData = append([]byte{0, byte(len(leaf(17)))}, leaf(17)...)
	file := filepath.Join(folder, "go.tlog-proof")
	check(os.WriteFile(file, p.Marshal(), 0o600) == nil, "no file")
	said, err := exec.Command(verifier, "--key", vkey, "--proof", file).CombinedOutput()
	check(err == nil && bytes.Contains(said, []byte("leaf 17 of 40")), "their proof file: %s", said)
}

// folders: our log, read by torchwood's client; the same log, written by them.
func folders() {
	vkey := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(folder, "vkey")))))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go http.Serve(listener, http.FileServer(http.Dir(filepath.Join(folder, "log"))))
	fetcher := must(torchwood.NewTileFetcher("http://" + listener.Addr().String() + "/"))
	ctx := context.Background()
	v := must(note.NewVerifier(vkey))
	signed := must(fetcher.ReadEndpoint(ctx, "checkpoint"))
	n := must(note.Open(signed, note.VerifierList(v)))
	checkpoint := must(torchwood.ParseCheckpoint(n.Text))
	client := must(torchwood.NewClient(fetcher))
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return
	})
	var entries [][]byte
	for i, entry := range client.Entries(ctx, checkpoint.Tree, 0) {
		check(i == int64(len(entries)), "entry %d", i)
		entries = append(entries, bytes.Clone(entry))
		stored = append(stored, must(tlog.StoredHashes(i, entry, read))...)
	}
	// the rest of a bundle that is not complete comes one by one
	for i := int64(len(entries)); i < checkpoint.N; i++ {
		entry, record, err := client.Entry(ctx, checkpoint.Tree, i)
		check(err == nil && tlog.CheckRecord(record, checkpoint.N, checkpoint.Hash, i, tlog.RecordHash(entry)) == nil, "entry %d: %v", i, err)
		entries = append(entries, bytes.Clone(entry))
		stored = append(stored, must(tlog.StoredHashes(i, entry, read))...)
	}
	check(client.Err() == nil && int64(len(entries)) == checkpoint.N, "%d entries: %v", len(entries), client.Err())
	check(must(tlog.TreeHash(checkpoint.N, read)) == checkpoint.Hash, "another root")

	out := filepath.Join(folder, "go")
	write := func(name string, data []byte) {
		path := filepath.Join(out, name)
		check(os.MkdirAll(filepath.Dir(path), 0o755) == nil && os.WriteFile(path, data, 0o644) == nil, "no %s", path)
	}
	for _, t := range tlog.NewTiles(8, 0, checkpoint.N) {
		write(torchwood.TilePath(t), must(tlog.ReadTileData(t, read)))
		if t.L > 0 {
			continue
		}
		var bundle []byte
		for i := range int64(t.W) {
			bundle = must(torchwood.AppendTileEntry(bundle, entries[t.N*256+i]))
		}
		t.L = -1
		write(torchwood.TilePath(t), bundle)
	}
	write("checkpoint", signed)
	said, err := exec.Command(verifier, "--key", vkey, out).CombinedOutput()
	check(err == nil && bytes.Contains(said, []byte(fmt.Sprintf("%d leaves", checkpoint.N))), "their folder: %s", said)
}

func main() {
	tool, verifier, folder = os.Args[1], os.Args[2], os.Args[3]
	trees()
	notes()
	cosignatures()
	policies()
	proofFiles()
	folders()
	with := "without ML-DSA-44, which this OpenSSL does not have"
	if mldsa() {
		with = "with ML-DSA-44"
	}
	fmt.Printf("%d checks by Go's note and tlog, torchwood, merkle and formats, %s\n", checks, with)
}
