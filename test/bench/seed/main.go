// Seed writes the history of a fleet of containers, the same for the same arguments: as blocks of a TSDB, and what is later
// as remote writes that its server is to take in, of every four minutes in a folder that bears the unix seconds of its end.
//
//	seed -containers 1000 -from UNIX -head UNIX -to UNIX -out FOLDER -head-out FOLDER
//
// The first folder gets the blocks, and fleet.json that says what there is. Progress goes to stderr, a line per block.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	count := flag.Int("containers", 100, "containers that run at any time, each in a pod of a Deployment of its own")
	from := flag.Int64("from", 0, "unix seconds of the first samples")
	to := flag.Int64("to", 0, "unix seconds that all samples are before")
	step := flag.Int64("step", 60, "seconds between samples")
	seed := flag.Uint64("seed", 1, "another seed makes another fleet")
	out := flag.String("out", "", "folder to write to")
	head := flag.Int64("head", 0, "unix seconds that the blocks end at")
	headOut := flag.String("head-out", "", "folder for the remote writes")
	flag.Parse()
	spec := fleetSpec{*count, *from * 1000, *to * 1000, *step * 1000, *seed}
	if err := run(*out, spec, *headOut, *head*1000); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func run(out string, spec fleetSpec, headOut string, head int64) error {
	if out == "" || headOut == "" || spec.count < 1 || spec.step < 20_000 || spec.from <= 0 || spec.to <= spec.from {
		return fmt.Errorf("say -out, -head-out, -containers of 1 or more, -step of 20 or more, and -from before -to")
	}
	if head <= spec.from || head > spec.to {
		return fmt.Errorf("say a -head that is after -from and not after -to")
	}
	workloads, series := makeFleet(spec)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(workloads)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "fleet.json"), text, 0o644); err != nil {
		return err
	}
	err = writeBlocks(out, series, spec.from, head, func(done, total int) {
		fmt.Fprintf(os.Stderr, "%d/%d\n", done, total)
	})
	if err != nil {
		return err
	}
	return writeHead(headOut, series, head, spec.to)
}
