package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// checkFolders looks at sluice.yaml and the folders that it names.
func (w *Workplace) checkFolders() []Check {
	c := w.Config
	all := []Check{good("sluice.yaml", fmt.Sprintf("there is none in %s; only the built-in tenant sandbox is known", c.Folder))}
	if c.File != "" {
		all[0] = good("sluice.yaml", fmt.Sprintf("%s: %s", c.File, diag.Counted(len(c.Names()), "tenant", "tenants")))
	}
	for _, folder := range c.Bundles {
		all = append(all, checkReadable("bundles", folder))
	}
	return append(all, checkFolder("runs", c.Runs), checkFolder("state", c.State))
}

// checkReadable makes sure that a folder is there and can be read.
func checkReadable(key, folder string) Check {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return wrong(key, diag.ConfigFile, runs.Misused, err.Error(),
			"Make it a folder that this user can read, or correct `"+key+":` in sluice.yaml.")
	}
	return good(key, fmt.Sprintf("%s, %s", folder, diag.Counted(len(entries), "entry", "entries")))
}

// checkFolder makes sure that a folder, or the nearest one above that is there, can be written.
func checkFolder(key, path string) Check {
	there := nearest(path)
	if err := durable.Writable(there); err != nil {
		return wrong(key, diag.MachineDisk, runs.CouldNotRun, there+" cannot be written: "+err.Error(),
			"Let this user write there, or name another folder as `"+key+":` in sluice.yaml.")
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return worth(key, fmt.Sprintf("%s can be written; others may look into it (%v), though not into what sluice writes there",
			path, info.Mode().Perm()),
			"Run `chmod 700 "+diag.ShellWord(path)+"`.")
	}
	return good(key, path+" can be written")
}

// nearest is the path, or the nearest folder above it that is there.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

func checkDisk(path string) Check {
	free, err := durable.Free(nearest(path))
	if err != nil {
		return good("disk", "the free space is not known")
	}
	says := fmt.Sprintf("%.1f GiB free where the runs are", float64(free)/(1<<30))
	if free < littleDisk {
		return wrong("disk", diag.MachineDisk, runs.CouldNotRun, says, "Free space: a run of 100,000 records takes about 1 GiB.")
	}
	return good("disk", says)
}

// checkLock finds out who is at work in a folder.
func checkLock(subject, folder string) Check {
	holder, held, err := durable.HeldBy(folder)
	switch {
	case err != nil:
		return failed(subject, DiskError(err))
	case held:
		return worth(subject, "at work now: "+holder.String(), "Wait for it to end, or stop it, before you load for this tenant.")
	}
	return good(subject, "nobody is at work")
}

// checkSecretFiles makes sure that files with secrets are their owner's, or at most their group's.
func (w *Workplace) checkSecretFiles(t *tenant.Tenant) []Check {
	var all []Check
	for _, file := range w.Config.SecretFiles(t) {
		info, err := os.Stat(file)
		if err != nil || runtime.GOOS == "windows" {
			continue // that it cannot be read is said of the secrets; on Windows the mode says nothing
		}
		if mode := info.Mode().Perm(); mode&0o007 != 0 {
			all = append(all, wrong("secrets", diag.ConfigSecret, runs.Partly, fmt.Sprintf("anybody on this machine may open %s (%v)", file, mode),
				"Run `chmod 600 "+diag.ShellWord(file)+"`."))
		}
	}
	return all
}

// mostLeft is how many runs that were left unfinished are named.
const mostLeft = 5

// checkRuns looks for runs at work, and for those whose command was killed.
func (w *Workplace) checkRuns() []Check {
	list, err := runs.List(w.Config.Runs, "")
	if err != nil {
		return []Check{failed("runs", DiskError(err))}
	}
	var all []Check
	left := 0
	for _, r := range list {
		shown := w.Observer.path(r.Path)
		if holder, held, err := durable.HeldBy(r.Path); err == nil && held {
			all = append(all, good("runs", shown+" is at work: "+holder.String()))
			continue
		}
		stage := r.Killed()
		if stage == "" {
			continue
		}
		if left++; left > mostLeft {
			continue
		}
		next := "Go on with it: `" + w.command(stage, shown, "--tenant", r.Tenant) + "`."
		if stage == runs.Transform || r.Tenant == "" {
			next = "Run the command again; this folder may be deleted."
		}
		all = append(all, worth("runs", fmt.Sprintf("%s of %s was killed", stage, shown), next))
	}
	if left > mostLeft {
		all = append(all, worth("runs", fmt.Sprintf("%d more were killed", left-mostLeft),
			"Run `"+w.command("runs", "list")+"`, which names them."))
	}
	return all
}
