package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
)

const (
	// Of one request: some megabytes.
	seriesPerRequest = 2000
	// Whole parts of an hour, one of which ends 8 minutes after it.
	headMillis = 4 * 60 * 1000
)

// writeHead writes what a server is to take in while it runs, as bodies of remote writes: of every four minutes one folder,
// named by the unix seconds of its end. The series must have come to `from`, by the blocks before it.
func writeHead(dir string, series []seedSeries, from, to int64) error {
	for from < to {
		from = min(from+headMillis, to)
		part := filepath.Join(dir, fmt.Sprint(from/1000))
		if err := os.MkdirAll(part, 0o755); err != nil {
			return err
		}
		number := 0
		for some := range slices.Chunk(series, seriesPerRequest) {
			body, err := writeRequest(some, from)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%04d", number)
			if err := os.WriteFile(filepath.Join(part, name), snappy.Encode(nil, body), 0o644); err != nil {
				return err
			}
			number++
		}
	}
	return nil
}

func writeRequest(series []seedSeries, limit int64) ([]byte, error) {
	request := prompb.WriteRequest{}
	for _, each := range series {
		if samples := samplesBefore(each, limit); len(samples) > 0 {
			one := prompb.TimeSeries{Labels: protoLabels(each.labels), Samples: samples}
			request.Timeseries = append(request.Timeseries, one)
		}
	}
	return request.Marshal()
}

func samplesBefore(series seedSeries, limit int64) []prompb.Sample {
	var samples []prompb.Sample
	for {
		time, value, ok := series.next(limit)
		if !ok {
			return samples
		}
		samples = append(samples, prompb.Sample{Timestamp: time, Value: value})
	}
}

func protoLabels(from labels.Labels) []prompb.Label {
	var result []prompb.Label
	from.Range(func(label labels.Label) {
		result = append(result, prompb.Label{Name: label.Name, Value: label.Value})
	})
	return result
}
