// Command modproxy writes a module proxy made of files, for GOPROXY=file://DIR, that serves the module of a
// directory as one version: what "go get" would deliver if the commit that was exported there were released.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("modproxy: ")
	root := flag.String("dir", ".", "`directory` of the module, which has nothing but what git tracks")
	version := flag.String("version", "", "`version` to serve it as")
	out := flag.String("out", "", "`directory` of the proxy")
	flag.Parse()
	if err := write(*root, *version, *out); err != nil {
		log.Fatal(err)
	}
}

func write(root, version, out string) error {
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	mod := module.Version{Path: modfile.ModulePath(goMod), Version: version}
	path, err := module.EscapePath(mod.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(out, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}

	for name, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": fmt.Appendf(nil, "{%q: %q}\n", "Version", version),
		version + ".mod":  goMod,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}

	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	// As the go command makes them: without nested modules. CreateFromVCS would not know a linked worktree of git.
	err = zip.CreateFromDir(f, mod, root)
	return errors.Join(err, f.Close())
}
