// Package conformance runs the upstream Gateway API conformance suite.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
)

// One test after the other: the suite writes its report before its parallel tests have ended, and takes them for passed.
func TestConformance(t *testing.T) {
	for i := range tests.ConformanceTests {
		tests.ConformanceTests[i].Parallel = false
	}
	conformance.RunConformance(t)
}
