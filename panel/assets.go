package panel

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// An asset is a file that pages load.
type asset struct {
	name      string // with a hash of its content: what has a name never changes
	mediaType string
	content   []byte
}

// assets are by their name without the hash, as in templates, and by the one with it.
type assets struct{ plain, hashed map[string]asset }

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

var isColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// newAssets returns the files of the panel, with those of a brand.
func newAssets(brand Brand) (assets, error) {
	a := assets{map[string]asset{}, map[string]asset{}}
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return a, err
	}
	for _, file := range files {
		content, err := assetFiles.ReadFile("assets/" + file.Name())
		if err != nil {
			return a, err
		}
		a.add(file.Name(), content)
	}
	if brand.Accent != "" {
		if !isColour.MatchString(brand.Accent) {
			return a, errors.New("panel: Brand: Accent is no colour such as #0b5394")
		}
		a.add("brand.css", []byte(":root{--brand:"+brand.Accent+"}\n"))
	}
	switch {
	case len(brand.Logo) == 0:
	case bytes.HasPrefix(brand.Logo, []byte("\x89PNG\r\n\x1a\n")):
		a.add("logo.png", brand.Logo)
	case bytes.Contains(brand.Logo[:min(len(brand.Logo), 1024)], []byte("<svg")):
		a.add("logo.svg", brand.Logo)
	default:
		return a, errors.New("panel: Brand: Logo is neither SVG nor PNG")
	}
	return a, nil
}

func (a assets) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	dot := strings.LastIndexByte(name, '.')
	hashed := name[:dot] + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + name[dot:]
	file := asset{hashed, mediaTypes[name[dot:]], content}
	a.plain[name], a.hashed[hashed] = file, file
}

// asset serves a file. Browsers never ask for the same one twice.
func (c *call) asset() error {
	file, ok := c.assets.hashed[c.r.PathValue("file")]
	if !ok {
		return errNoPage
	}
	c.w.Header().Set("Content-Type", file.mediaType)
	c.w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err := c.w.Write(file.content)
	return err
}
