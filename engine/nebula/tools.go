//go:build tools

// Package nebula pins the VPN: `conpaas setup` builds both programs from this module where they cannot be downloaded.
package nebula

import (
	_ "github.com/slackhq/nebula/cmd/nebula"
	_ "github.com/slackhq/nebula/cmd/nebula-cert"
)
