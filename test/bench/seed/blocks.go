package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/tombstones"
)

// A Prometheus with the default retention of 15 days compacts to blocks of 18 hours, of chunks of 120 samples.
const (
	blockMillis     = 18 * 3600 * 1000
	samplesPerChunk = 120
	// Series whose chunks are made at once, by all cores, and then written in order.
	seriesAtOnce = 512
)

// seedSeries gives its samples in ascending order of time, each once.
type seedSeries struct {
	labels labels.Labels
	// next gives a sample before the limit, or false; times are unix milliseconds.
	next func(limit int64) (int64, float64, bool)
}

// writeBlocks writes the series into blocks of a TSDB; each call of said tells how many blocks there are.
func writeBlocks(dir string, series []seedSeries, from, to int64, said func(done, total int)) error {
	slices.SortFunc(series, func(a, b seedSeries) int { return labels.Compare(a.labels, b.labels) })
	first := from / blockMillis
	last := (to - 1) / blockMillis
	total := int(last - first + 1)
	for at := first; at <= last; at++ {
		if err := writeBlock(dir, series, max(from, at*blockMillis), min(to, (at+1)*blockMillis)); err != nil {
			return fmt.Errorf("block %d of %d: %w", at-first+1, total, err)
		}
		said(int(at-first+1), total)
	}
	return nil
}

// blockMeta is meta.json of a block, of which only little is needed.
type blockMeta struct {
	ULID       ulid.ULID  `json:"ulid"`
	MinTime    int64      `json:"minTime"`
	MaxTime    int64      `json:"maxTime"`
	Stats      blockStats `json:"stats"`
	Compaction compaction `json:"compaction"`
	Version    int        `json:"version"`
}

type blockStats struct {
	NumSamples uint64 `json:"numSamples"`
	NumSeries  uint64 `json:"numSeries"`
	NumChunks  uint64 `json:"numChunks"`
}

type compaction struct {
	Level   int         `json:"level"`
	Sources []ulid.ULID `json:"sources"`
}

type block struct {
	chunks *chunks.Writer
	index  *index.Writer
	stats  blockStats
}

func writeBlock(dir string, series []seedSeries, from, to int64) error {
	id, err := ulid.New(uint64(to), rand.Reader)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, id.String())
	out := block{}
	if out.chunks, err = chunks.NewWriter(filepath.Join(path, "chunks")); err != nil {
		return err
	}
	if out.index, err = index.NewWriter(context.Background(), filepath.Join(path, "index")); err != nil {
		return err
	}
	if err := out.addSymbols(series); err != nil {
		return err
	}
	if err := out.addSeries(series, to); err != nil {
		return err
	}
	if err := out.chunks.Close(); err != nil {
		return err
	}
	if err := out.index.Close(); err != nil {
		return err
	}
	if _, err := tombstones.WriteFile(slog.Default(), path, tombstones.NewMemTombstones()); err != nil {
		return err
	}
	history := compaction{Level: 3, Sources: []ulid.ULID{id}}
	text, err := json.Marshal(blockMeta{id, from, to, out.stats, history, 1})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, "meta.json"), text, 0o644)
}

func (out *block) addSymbols(series []seedSeries) error {
	symbols := map[string]struct{}{}
	for _, each := range series {
		each.labels.Range(func(label labels.Label) {
			symbols[label.Name] = struct{}{}
			symbols[label.Value] = struct{}{}
		})
	}
	sorted := make([]string, 0, len(symbols))
	for symbol := range symbols {
		sorted = append(sorted, symbol)
	}
	slices.Sort(sorted)
	for _, symbol := range sorted {
		if err := out.index.AddSymbol(symbol); err != nil {
			return err
		}
	}
	return nil
}

func (out *block) addSeries(series []seedSeries, to int64) error {
	ref := storage.SeriesRef(0)
	for part := range slices.Chunk(series, seriesAtOnce) {
		metas, err := encodeAll(part, to)
		if err != nil {
			return err
		}
		for i, each := range part {
			if len(metas[i]) == 0 {
				continue
			}
			if err := out.chunks.WriteChunks(metas[i]...); err != nil {
				return err
			}
			if err := out.index.AddSeries(ref, each.labels, metas[i]...); err != nil {
				return err
			}
			ref++
			out.count(metas[i])
		}
	}
	return nil
}

func (out *block) count(metas []chunks.Meta) {
	out.stats.NumSeries++
	out.stats.NumChunks += uint64(len(metas))
	for _, meta := range metas {
		out.stats.NumSamples += uint64(meta.Chunk.NumSamples())
	}
}

func encodeAll(series []seedSeries, to int64) ([][]chunks.Meta, error) {
	metas := make([][]chunks.Meta, len(series))
	errs := make([]error, len(series))
	work := make(chan int, len(series))
	for i := range series {
		work <- i
	}
	close(work)
	var done sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := range work {
				metas[i], errs[i] = encode(series[i], to)
			}
		})
	}
	done.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return metas, nil
}

func encode(series seedSeries, to int64) ([]chunks.Meta, error) {
	var metas []chunks.Meta
	var appender chunkenc.Appender
	for {
		time, value, ok := series.next(to)
		if !ok {
			return metas, nil
		}
		if len(metas) == 0 || metas[len(metas)-1].Chunk.NumSamples() >= samplesPerChunk {
			chunk := chunkenc.NewXORChunk()
			fresh, err := chunk.Appender()
			if err != nil {
				return nil, err
			}
			appender = fresh
			metas = append(metas, chunks.Meta{Chunk: chunk, MinTime: time})
		}
		appender.Append(0, time, value)
		metas[len(metas)-1].MaxTime = time
	}
}
