//go:build tools

// Package engine pins the engine: `conpaas setup` builds pulumi from this module where it cannot be downloaded.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
