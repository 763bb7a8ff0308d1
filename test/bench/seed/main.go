// Seed writes the history of a fleet of containers as blocks of a TSDB, the same for the same arguments.
//
//	seed -containers 1000 -from UNIX -to UNIX -out FOLDER
//
// The folder gets the blocks, and fleet.json that says what there is. Progress goes to stderr, a line per block.
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
	flag.Parse()
	if err := run(*out, fleetSpec{*count, *from * 1000, *to * 1000, *step * 1000, *seed}); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func run(out string, spec fleetSpec) error {
	if out == "" || spec.count < 1 || spec.step < 20_000 || spec.from <= 0 || spec.to <= spec.from {
		return fmt.Errorf("say -out, -containers of 1 or more, -step of 20 or more, and -from before -to")
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
	return writeBlocks(out, series, spec.from, spec.to, func(done, total int) {
		fmt.Fprintf(os.Stderr, "%d/%d\n", done, total)
	})
}
