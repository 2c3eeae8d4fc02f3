package tenant

// Key is one key of sluice.yaml, for the reference of its users.
type Key struct {
	Path    string // from the top; <name> stands for what users call something
	Form    string // what its value looks like
	Default string // what holds without it; "required" if it must stand
	About   string
}

// Keys lists every key of sluice.yaml, in the order in which a reader meets them.
func Keys() []Key {
	const tenant = "tenants.<name>."
	const api = tenant + "api."
	return []Key{
		{"version", "`1`", "required", "The version of this file's format."},
		{"bundles", "list of folders", "none", "Folders in which bundles of your own lie, looked up before those in the binary."},
		{"runs", "folder", "`runs`", "Where runs go: `runs/<tenant>/<time>-<bundle>`."},
		{"state", "folder", "`state`", "What sluice keeps for each tenant: the ledger of what the target holds, caches, the lock. Back it up."},
		{"tenants", "map of names", "only `sandbox`", "Who is served. A name has a–z, 0–9 and -; `sandbox` is built in and has no `api`; `none` is not a name. " +
			"A school year of a year-specific ODS is a tenant of its own."},
		{tenant + "api", "map", "required", "The target. Not for `sandbox`."},
		{api + "base_url", "address", "required", "The address of the Ed-Fi API's root document: in a browser it shows the API's version. https, or http on this machine."},
		{api + "client_id", "text or source", "required", "The key. It may be written out, or be `${env:NAME}`, `${file:PATH}` or `${cmd:PROGRAM ARGUMENTS}`. Each tenant has a key of its own."},
		{api + "client_secret", "source", "required", "Where the secret is kept: `${env:NAME}`, `${file:PATH}` or `${cmd:PROGRAM ARGUMENTS}`, which has 30 seconds and no shell. Never the secret itself."},
		{api + "environment", "word", "`production`", "Part of the target's identity: a run that was checked for one environment is never sent to another."},
		{api + "school_year", "year, 1990–2100", "none", "The spring year, for an ODS that keeps each school year apart: 2026 is 2025-2026."},
		{api + "instance", "text", "none", "Fills `{instance}` and `{tenantIdentifier}` in the addresses that the target names."},
		{api + "data_url", "address", "as the target says", "The address of the data, if the root document is wrong or names another host than `base_url`."},
		{api + "oauth_url", "address", "as the target says", "The address of the token endpoint, likewise."},
		{api + "metadata_url", "address", "as the target says", "The list of OpenAPI documents, likewise. With `data_url`, `oauth_url` and `dependencies_url` it makes the root document unnecessary."},
		{api + "dependencies_url", "address", "as the target says", "The load order of the resources, likewise."},
		{api + "change_queries_url", "address", "as the target says", "The address above `availableChangeVersions`, likewise."},
		{api + "ca_file", "file", "only the system's", "Certificates (PEM) of authorities that are trusted besides the system's: a district's firewall, a host's own authority. Certificates are always verified."},
		{api + "client_certificate", "file", "none", "A certificate (PEM), with those between it and its authority, for a target that asks for one. It goes with `client_key`."},
		{api + "client_key", "file", "none", "Its key (PEM), without a passphrase; only its owner may read the file, as with files that hold secrets."},
		{api + "tls_min", "`\"1.2\"` or `\"1.3\"`", "`\"1.2\"`", "The lowest version of TLS that is used with the target."},
		{api + "proxy", "address, source or `none`", "as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say", "The proxy of every call to this target: `http://host:port`; `none` connects directly. " +
			"A password comes from a source: `http://user:${env:PROXY_PASSWORD}@host:port`. NO_PROXY then has no effect."},
		{api + "allow_http", "`true` or `false`", "`false`", "Plain http beyond this machine, for closed networks only: secret and records travel unencrypted. Each run warns."},
		{tenant + "lea_codes", "list of codes", "all districts", "Only rows of these districts are loaded; others are counted as `other`. Quote the codes: `[\"255901\"]`."},
		{tenant + "tables", "folder", "none", "The tenant's own rows of bundles' tables: `<folder>/<bundle>/<table>.csv`. `transform` and `run` need the folder to exist."},
		{tenant + "data_standard", "`\"5.1\"`", "what the target had when it was last asked, or else the newest 5.x that the bundle covers", "The data standard that records are shaped for."},
		{tenant + "roster", "map", "none", "How students are known."},
		{tenant + "roster.column", "header or column", "the bundle's first choice", "The vendor's column that holds the ODS's studentUniqueId, for tenants without a roster."},
		{tenant + "roster.student_ids", "list of names", "none", "The identification systems in which the ids of a row are looked up, as `sluice roster show` names them, in this order: `[State, Local]`. " +
			"`studentUniqueId` is one, too. docs/roster.md says how rows are matched."},
		{tenant + "roster.match", "`auto`", "none", "Column and system are chosen by what matches best, of those in `student_ids` or of all. The choice is kept in `state/<tenant>/student-matches.json`."},
		{tenant + "roster.min_match", "percentage", "`50%`", "With `match: auto`: `transform` stops if less of a file's ids are known. " +
			"It also stops if the share is more than ten points below that of the choice, where the file has at least 20 distinct ids."},
		{tenant + "params", "map of values", "none", "Parameters of bundles, by name; `--param` on the command line wins."},
		{tenant + "inputs", "map", "as the bundle says", "How files that differ from what the bundle says are written: `{<bundle>: {<input>: {encoding: …, delimiter: …}}}`."},
		{tenant + "inputs.<bundle>.<input>.encoding", "name", "as the bundle says", "Such as `windows-1252`; `--encoding` on the command line wins."},
		{tenant + "inputs.<bundle>.<input>.delimiter", "character or word", "as the bundle says", "One character, or `tab`, `comma`, `semicolon`, `bar`; `--delimiter` on the command line wins."},
		{tenant + "limits", "map", "", "Limits on the load on the target."},
		{tenant + "limits.concurrency", "requests, 1–64", "`8`", "How many requests are under way at a time. A 429 slows all of them down automatically."},
		{tenant + "guards", "map", "", "When `sluice run` stops before it sends."},
		{tenant + "guards.max_rejected", "percentage", "5% and more than 20 rows", "`run` does not send if a larger share of an input's rows was rejected: `5%`, from 0% to 100%."},
		{tenant + "acknowledge", "list", "none", "Warnings that somebody has looked at: `- {code: VAL-PORTABLE, until: 2027-06-30, why: the host takes them}`. They are still listed, " +
			"and do not count under --strict. Errors are never acknowledged."},
		{tenant + "acknowledge.code", "code", "required", "The code of the warning, as `sluice explain` knows it."},
		{tenant + "acknowledge.until", "date", "required", "The last day on which it holds, as 2027-06-30; after it the warnings count again, and the expired entry is a warning itself."},
		{tenant + "acknowledge.why", "text", "required", "The reason; files and pages of the run show it."},
		{tenant + "acknowledge.bundle", "name", "all bundles", "Only runs of this bundle; `records` stands for records of another tool."},
		{tenant + "acknowledge.resource", "name", "all resources", "Only warnings about this resource."},
		{tenant + "acknowledge.rule", "id", "all rules", "Only warnings of this rule of a rules.yaml."},
		{tenant + "max_pass_age", "duration", "`24h`", "How old the pass of `validate` may be when `send` asks for it: `24h`, `90m`."},
		{tenant + "max_cache_age", "duration", "`24h`", "How old what is kept of the target (documents, descriptor values) may be where the target says neither by " +
			"ETag nor by change version whether it has changed: `24h`, `30m`."},
		{tenant + "accept_unchecked", "`true` or `false`", "`false`", "Send records that the credential did not let `validate` check."},
	}
}
