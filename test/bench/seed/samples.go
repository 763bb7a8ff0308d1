package main

import (
	"math"
	"math/rand/v2"
)

// scraped gives a sample per step at the time that cAdvisor looked, which is some seconds from that of the scrape.
func (at place) scraped(one life, seed uint64, follow func(*rand.Rand) func(time, passed int64) float64) func(int64) (int64, float64, bool) {
	const looks = 8_000
	random := rand.New(rand.NewPCG(seed, 0))
	value := follow(random)
	scrape := one.from + random.Int64N(at.spec.step-looks)
	last := scrape - at.spec.step
	time := scrape + random.Int64N(looks)
	return func(limit int64) (int64, float64, bool) {
		if time >= min(limit, one.to) {
			return 0, 0, false
		}
		now := time
		scrape += at.spec.step
		time = scrape + random.Int64N(looks)
		result := value(now, now-last)
		last = now
		return now, result, true
	}
}

// cpuSeconds counts seconds of CPU use, to the nanosecond.
func (how behaviour) cpuSeconds(random *rand.Rand) func(time, passed int64) float64 {
	var nanos float64
	burst := 0
	return func(time, passed int64) float64 {
		if burst > 0 {
			burst--
		} else if random.IntN(300) == 0 {
			burst = 1 + random.IntN(10)
		}
		cores := how.cores * (1 + how.swing*wave(time, how.phase)) * math.Exp(how.noise*random.NormFloat64())
		if burst > 0 {
			cores *= how.burst
		}
		nanos += math.Round(cores * float64(passed) * 1e6)
		return nanos / 1e9
	}
}

// workingSet wanders by pages about a mean that follows the day; some samples are as the one before.
func (how behaviour) workingSet(random *rand.Rand) func(time, passed int64) float64 {
	const page = 4096
	level := 1.0
	pages := 0.0
	return func(time, _ int64) float64 {
		if pages > 0 && random.IntN(4) == 0 {
			return pages * page
		}
		level += 0.02*(1-level) + 0.005*random.NormFloat64()
		bytes := how.memory * (level + 0.3*how.growth*wave(time, how.phase))
		pages = math.Max(1, math.Round(bytes/page))
		return pages * page
	}
}

// wave is from -1 to 1 over a day.
func wave(millis int64, phase float64) float64 {
	return math.Sin(2*math.Pi*float64(millis%(24*hourMillis))/(24*hourMillis) + phase)
}

func (at place) constant(one life, value float64) func(int64) (int64, float64, bool) {
	return at.scheduled(one, func(int64) float64 { return value })
}

// steps is 0 until a time and then 1.
func (at place) steps(one life, until int64) func(int64) (int64, float64, bool) {
	return at.scheduled(one, func(time int64) float64 {
		if time < until {
			return 0
		}
		return 1
	})
}

func (at place) scheduled(one life, value func(int64) float64) func(int64) (int64, float64, bool) {
	time := (one.from/at.spec.step + 1) * at.spec.step
	return func(limit int64) (int64, float64, bool) {
		if time >= min(limit, one.to) {
			return 0, 0, false
		}
		now := time
		time += at.spec.step
		return now, value(now), true
	}
}
