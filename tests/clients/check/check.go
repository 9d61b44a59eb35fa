// SPDX-License-Identifier: LGPL-2.1-or-later

// Package check runs the steps of a client program, one line each, and turns them into an exit code.
package check

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Deadline is how long one step may take.
const Deadline = 30 * time.Second

// Step is something that must hold.
type Step struct {
	Name string
	Run  func(context.Context) error
}

// Main runs the steps in order, each with a deadline, and exits: 0 where all hold.
func Main(steps []Step) {
	failed := 0
	for _, step := range steps {
		if err := runStep(step); err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", step.Name, err)
			continue
		}
		fmt.Printf("ok   %s\n", step.Name)
	}
	fmt.Printf("%d passed, %d failed\n", len(steps)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func runStep(step Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	return step.Run(ctx)
}

// Must ends the program where setting it up has failed.
func Must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// Until asks again until there is no error, and returns the last one when the context ends.
func Until(ctx context.Context, condition func() error) error {
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in time: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Receive takes the next value of a channel.
func Receive[T any](ctx context.Context, from <-chan T) (T, error) {
	var none T
	select {
	case value, open := <-from:
		if !open {
			return none, fmt.Errorf("the channel was closed")
		}
		return value, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Equal is an error that names what differs.
func Equal[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", what, got, want)
}

// That is an error unless the condition holds.
func That(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// First returns the first error there is.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
