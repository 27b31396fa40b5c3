module github.com/ringhook/webhook/durable/postgres

go 1.26.0

// For development. What is tagged has no replace: .ci/release takes it out.
replace (
	github.com/ringhook/webhook => ../../
	github.com/ringhook/webhook/durable => ../
)

require (
	github.com/jackc/pgx/v5 v5.9.1
	github.com/ringhook/webhook v0.1.0
	github.com/ringhook/webhook/durable v0.1.0
	github.com/riverqueue/river v0.32.0
	github.com/riverqueue/river/riverdriver v0.32.0
	github.com/riverqueue/river/riverdriver/riverpgxv5 v0.32.0
	github.com/stretchr/testify v1.12.1
)

require (
	code.dny.dev/ssrf v0.3.0 // indirect
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.2 // indirect
	github.com/riverqueue/river/rivershared v0.32.0 // indirect
	github.com/riverqueue/river/rivertype v0.32.0 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	github.com/tidwall/gjson v1.18.0 // indirect
	github.com/tidwall/match v1.2.0 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sync v0.20.0 // indirect
	golang.org/x/text v0.35.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
