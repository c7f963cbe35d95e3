// Command grafana checks a dashboard against Grafana's own types. It reports unknown and missing fields.
//
//	cd tools/grafana && go run . ../deploy/grafana/dashboards/llm-barber.json
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	raw, err := os.ReadFile(os.Args[1])
	must("read", err)
	board := dashboard.Dashboard{}
	must("types", board.UnmarshalJSONStrict(raw))
	must("limits", board.Validate())
	fmt.Printf("%s: %d panels, no fault\n", *board.Title, len(board.Panels))
}

// must exits if err is a fault. The SDK returns an error without text for an empty list of faults.
func must(what string, err error) {
	if err != nil && err.Error() != "" {
		fmt.Fprintf(os.Stderr, "%s: %s\n", what, err)
		os.Exit(1)
	}
}
