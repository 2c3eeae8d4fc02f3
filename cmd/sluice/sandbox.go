package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// sandboxAddress is where the emulator listens unless told.
const sandboxAddress = "127.0.0.1:8765"

func (a *app) newSandbox() *cobra.Command {
	var o sandbox.Options
	var address, faults, standard, info, extension string
	var readOnly, hidden, namespaces []string
	var districts []int64
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the Ed-Fi API emulator on loopback",
		Long: `Serves an Ed-Fi API (any embedded data standard, the behaviour of API 7.2) on loopback, for any Ed-Fi
client: discovery, OAuth, metadata, dependencies, and every resource with its checks. It is the
target of the built-in tenant "sandbox", and serves the same store. It knows the made-up
students 600000 to 699999 and the schools 255901300 to 255901399, and those students that
` + "`sluice sandbox students RUN`" + ` noted. Student 600123 has the State id 48600123 and, up to Data
Standard 5.2, the Local id 0000123.

It runs until it is interrupted, which is its normal end (exit 0).`,
		Example: `  sluice sandbox
  sluice sandbox --address 127.0.0.1:0 --state /tmp/store --reset
  sluice sandbox --standard 6.0 --reset
  sluice sandbox --fault 429:0.01,503:0.005,reset-after:0.001`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := sandbox.Client{Key: sandbox.Key, Secret: sandbox.Secret, Namespaces: namespaces, Districts: districts}
			for _, name := range readOnly {
				client.Deny = append(client.Deny, sandbox.Denial{Resource: name, Actions: []sandbox.Action{sandbox.Create, sandbox.Update, sandbox.Delete}})
			}
			for _, name := range hidden {
				client.Deny = append(client.Deny, sandbox.Denial{Resource: name})
			}
			o.Clients = []sandbox.Client{client}
			o.TokenInfo = sandbox.TokenInfo(info)
			if !slices.Contains([]string{"full", "short", "none"}, info) {
				return usage("Write full, short or none.", "--token-info %q is not known", info)
			}
			return a.runSandbox(cmd.Context(), o, address, faults, standard, extension)
		},
	}
	cmd.AddCommand(a.newSandboxStudents())
	flags := cmd.Flags()
	flags.StringVar(&address, "address", sandboxAddress, "`ADDRESS` on loopback, with its port; port 0 takes a free one")
	flags.StringVar(&o.Dir, "state", "", "`FOLDER` of the store (default: that of the tenant sandbox)")
	flags.StringVar(&standard, "standard", "", "data standard `V`, as in 6.0 (default: that of the store, and 5.1 for a new one)")
	flags.BoolVar(&o.Reset, "reset", false, "begin with an empty store")
	flags.StringVar(&o.Students, "students", "", "CSV `FILE` with a column studentUniqueId: more students to know")
	flags.StringSliceVar(&readOnly, "read-only", nil, "`RESOURCES` that the key may not write, as in assessments,'*Descriptors'")
	flags.StringSliceVar(&hidden, "hidden", nil, "`RESOURCES` that the key may not even read")
	flags.StringSliceVar(&namespaces, "namespaces", nil, "`PREFIXES` of the namespaces that the key is for, as in uri://www.nwea.org (default: all)")
	flags.Int64SliceVar(&districts, "districts", nil, "`NUMBERS` of the districts that the key is for, as it is told; no call is judged by them (default: 255901)")
	flags.StringVar(&info, "token-info", "full", "how much a key is told of its rights: `MODE` is full (API 7.3), short (older) or none")
	flags.StringVar(&extension, "extension", "", "JSON `FILE` with extension data of resources, as {\"studentAssessments\": {\"acme\": {\"type\": \"object\", \"properties\": {…}}}}")
	flags.StringVar(&faults, "fault", "", "`FAULTS` and their probability, as in 429:0.01,503:0.005 (429, 500, 502, 503, 504, reset-before, reset-after, html, log-in, truncated, slow, expire, conflict, empty)")
	completes(cmd, "standard", words(schema.Versions(schemas.FS)...))
	completes(cmd, "token-info", words("full", "short", "none"))
	return cmd
}

func (a *app) runSandbox(ctx context.Context, o sandbox.Options, address, faults, standard, extension string) error {
	place, err := a.workplace()
	if err != nil {
		return err
	}
	if o.Faults, err = sandbox.ParseFaults(faults); err != nil {
		return diag.FailWith(err, diag.Usage, diag.ConfigUsage, "Write it as 429:0.01,503:0.005 (`sluice sandbox --help`).",
			"--fault is not understood")
	}
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("Use 127.0.0.1:PORT.",
			"--address %q is not on loopback; the sandbox has a public key and serves this machine only", address)
	}
	o.Dir, o.Logger = cmp.Or(o.Dir, place.SandboxFolder()), a.logger
	var extended []byte
	if extension != "" {
		if extended, err = os.ReadFile(extension); err != nil {
			return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the path and its permissions.", "--extension %s cannot be read", extension)
		}
	}
	if known := schema.Versions(place.Schemas); standard != "" && !slices.Contains(known, standard) {
		return usage("Use one of "+strings.Join(known, ", ")+".", "--standard %q is not an embedded data standard", standard)
	}
	server, err := place.OpenSandbox(o, standard, extended)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(diag.FailWith(err, diag.CouldNotRun, diag.TargetUnreached, "Choose another --address.", "the sandbox cannot listen"), server.Close())
	}
	return a.serve(ctx, server, listener, o.Dir)
}

// serve prints how to reach the emulator and serves until the context ends.
func (a *app) serve(ctx context.Context, server *sandbox.Server, listener net.Listener, store string) error {
	url := "http://" + listener.Addr().String()
	a.screen.say("Ed-Fi API emulator, Data Standard %s", sandbox.StandardIn(store))
	a.screen.say("  base URL  %s", url)
	a.screen.say("  key       %s", sandbox.Key)
	a.screen.say("  secret    %s", sandbox.Secret)
	a.screen.say("  store     %s", shownPath(store))
	a.screen.say("stop it with Ctrl-C")
	if err := a.screen.result(map[string]string{"baseUrl": url, "key": sandbox.Key, "secret": sandbox.Secret, "store": store}); err != nil {
		return errors.Join(err, server.Close())
	}
	return errors.Join(server.Serve(ctx, listener), server.Close())
}
