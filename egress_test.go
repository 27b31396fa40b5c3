package webhook_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestEgress_Addresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, address string
		allowed       bool
	}{
		{"public", "93.184.215.14:443", true},
		{"public 6", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443", true},
		{"public, mapped", "[::ffff:93.184.215.14]:443", true},
		{"port 80", "93.184.215.14:80", true},
		{"port 8080", "93.184.215.14:8080", true},
		{"port 8443", "93.184.215.14:8443", true},
		{"port 25", "93.184.215.14:25", false},
		{"port 0", "93.184.215.14:0", false},
		{"port 6379", "93.184.215.14:6379", false},
		{"loopback", "127.0.0.1:80", false},
		{"loopback, all of it", "127.255.255.254:80", false},
		{"loopback 6", "[::1]:80", false},
		{"loopback, mapped", "[::ffff:127.0.0.1]:80", false},
		{"loopback, compatible", "[::127.0.0.1]:80", false},
		{"unspecified", "0.0.0.0:80", false},
		{"this network", "0.1.2.3:80", false},
		{"unspecified 6", "[::]:80", false},
		{"unspecified, mapped", "[::ffff:0.0.0.0]:80", false},
		{"private 10", "10.0.0.1:80", false},
		{"private 172.16", "172.16.0.1:80", false},
		{"private 172.31", "172.31.255.255:80", false},
		{"beside private", "172.32.0.1:80", true},
		{"private 192.168", "192.168.1.1:80", false},
		{"private, mapped", "[::ffff:10.0.0.1]:80", false},
		{"CGNAT", "100.64.0.1:80", false},
		{"metadata of Alibaba", "100.100.100.200:80", false},
		{"link-local", "169.254.0.1:80", false},
		{"metadata", "169.254.169.254:80", false},
		{"metadata, mapped", "[::ffff:169.254.169.254]:80", false},
		{"metadata of Oracle", "192.0.0.192:80", false},
		{"metadata of Azure", "168.63.129.16:80", false},
		{"metadata of Azure, mapped", "[::ffff:168.63.129.16]:80", false},
		{"metadata of AWS 6", "[fd00:ec2::254]:80", false},
		{"metadata of GCP 6", "[fd20:ce::254]:80", false},
		{"IETF", "192.0.0.1:80", false},
		{"TEST-NET-1", "192.0.2.1:80", false},
		{"TEST-NET-2", "198.51.100.1:80", false},
		{"TEST-NET-3", "203.0.113.1:80", false},
		{"benchmarking", "198.18.0.1:80", false},
		{"6to4 relay", "192.88.99.1:80", false},
		{"multicast", "224.0.0.1:80", false},
		{"multicast, last", "239.255.255.255:80", false},
		{"reserved", "240.0.0.1:80", false},
		{"broadcast", "255.255.255.255:80", false},
		{"link-local 6", "[fe80::1]:80", false},
		{"link-local 6 with a zone", "[fe80::1%lo]:80", false},
		{"public with a zone", "[2606:2800::1%eth0]:80", false},
		{"mapped with a zone", "[::ffff:93.184.215.14%lo]:80", false},
		{"site-local", "[fec0::1]:80", false},
		{"ULA", "[fc00::1]:80", false},
		{"ULA fd", "[fd12:3456:789a::1]:80", false},
		{"multicast 6", "[ff02::1]:80", false},
		{"NAT64 of loopback", "[64:ff9b::7f00:1]:80", false},
		{"NAT64 of a public one", "[64:ff9b::5db8:d70e]:80", false},
		{"local NAT64", "[64:ff9b:1::1]:80", false},
		{"6to4", "[2002:7f00:1::1]:80", false},
		{"Teredo", "[2001:0:53aa:64c::1]:80", false},
		{"ORCHIDv2", "[2001:20::1]:80", false},
		{"documentation 6", "[2001:db8::1]:80", false},
		{"new documentation 6", "[3fff::1]:80", false},
		{"discard", "[100::1]:80", false},
		{"SIIT", "[::ffff:0:7f00:1]:80", false},
		{"ISATAP, link-local", "[fe80::5efe:7f00:1]:80", false},
		{"SRv6", "[5f00::1]:80", false},
		{"no address", "localhost:80", false},
		{"no port", "93.184.215.14", false},
		{"decimal", "2130706433:80", false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			network := "tcp4"
			if strings.HasPrefix(tt.address, "[") {
				network = "tcp6"
			}
			err := webhook.CheckAddress(webhook.Egress{}, network, tt.address)
			if tt.allowed {
				require.NoError(t, err)
				require.ErrorContains(t, webhook.CheckAddress(webhook.Egress{}, "udp4", tt.address), "destination not allowed")
				return
			}
			require.ErrorContains(t, err, "destination not allowed")
		})
	}
}

func TestEgress_Allow(t *testing.T) {
	t.Parallel()
	prefixes := []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("168.63.129.16/32"),
		netip.MustParsePrefix("fd00:1::/32"), netip.MustParsePrefix("64:ff9b::/96"),
	}
	e := webhook.Egress{Allow: prefixes}
	for _, address := range []string{
		"10.1.2.3:443", "[::ffff:10.1.2.3]:443", "168.63.129.16:80", "[fd00:1::5]:443", "[64:ff9b::1]:443",
		"93.184.215.14:443",
	} {
		require.NoError(t, webhook.CheckAddress(e, "tcp6", address), address)
	}
	for _, address := range []string{"10.2.0.1:443", "127.0.0.1:443", "[fd00:2::5]:443", "[::1]:443", "10.1.2.3:6379"} {
		require.Error(t, webhook.CheckAddress(e, "tcp6", address), address)
	}
	e.AnyPort = true
	require.NoError(t, webhook.CheckAddress(e, "tcp4", "10.1.2.3:6379"))
	require.NoError(t, webhook.CheckAddress(e, "tcp4", "93.184.215.14:9"))
	require.Error(t, webhook.CheckAddress(e, "tcp4", "127.0.0.1:80"))
	require.Error(t, webhook.CheckAddress(webhook.Egress{Allow: []netip.Prefix{{}}}, "tcp4", "127.0.0.1:80"))
}

func TestEgress_TLS(t *testing.T) {
	t.Parallel()
	config := &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS10, NextProtos: []string{"h2"}}
	used := webhook.TLSConfig(webhook.Egress{TLS: config})
	require.Equal(t, uint16(tls.VersionTLS10), config.MinVersion, "copied")
	require.Equal(t, uint16(tls.VersionTLS12), used.MinVersion)
	require.Equal(t, "x", used.ServerName)
	require.Equal(t, []string{"http/1.1"}, used.NextProtos)

	config.MinVersion = tls.VersionTLS13
	require.Equal(t, uint16(tls.VersionTLS13), webhook.TLSConfig(webhook.Egress{TLS: config}).MinVersion)
}

func TestEgress_HTTP1Only(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto <- r.Proto }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	e := loopback
	e.TLS = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	e.TLS.NextProtos = []string{"h2", "http/1.1"}
	require.NoError(t, newClient(t, e).Send(t.Context(), message(srv.URL)))
	require.Equal(t, "HTTP/1.1", <-proto)
}

// The zero Client reaches nothing on this machine, however the address is written.
func TestClient_ZeroValueIsGuarded(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	var c webhook.Client
	t.Cleanup(c.CloseIdleConnections)
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::]"} {
		for _, p := range []string{port, "8080"} {
			a := c.Try(t.Context(), message("http://"+host+":"+p+"/"), 1)
			if strings.Contains(host, "::]") && a.Class == webhook.ClassConnect {
				continue // a machine without IPv6
			}
			require.Equal(t, webhook.ClassUnreachable, a.Class, host)
			require.EqualError(t, a.Err, "webhook: "+unreachableText)
			require.Equal(t, 0, a.Requests)
			require.False(t, a.MayHaveArrived)
		}
	}
}

// A rebinding name has an allowed address when it is checked, and another one when it is
// dialled.
func TestEgress_Rebinding(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	var asked atomic.Int32
	resolver := fakeDNS(t, func() []string {
		if asked.Add(1) == 1 {
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	})
	e := webhook.Egress{AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}
	checked, err := resolver.LookupHost(t.Context(), "rebind.test")
	require.NoError(t, err)
	require.NoError(t, webhook.CheckAddress(e, "tcp4", net.JoinHostPort(checked[0], port)))

	c := clientWithResolver(t, e, resolver)
	for n := range 2 {
		a := c.Try(t.Context(), message("http://rebind.test:"+port+"/"), n+1)
		require.Equal(t, webhook.ClassUnreachable, a.Class)
		require.Equal(t, webhook.OutcomeRetrying, a.Outcome)
	}
	require.EqualValues(t, 3, asked.Load(), "each attempt looks the name up again")
}

// Of several addresses, the forbidden ones are never dialled, and the allowed one is.
func TestEgress_MixedAnswers(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	resolver := fakeDNS(t, func() []string { return []string{"10.255.255.1", "169.254.169.254", "127.0.0.1"} })
	c := clientWithResolver(t, loopback, resolver)
	require.NoError(t, c.Send(t.Context(), message("http://mixed.test:"+port+"/")))

	e := loopback
	e.Allow = nil
	c = clientWithResolver(t, e, resolver)
	require.Equal(t, webhook.ClassUnreachable, c.Try(t.Context(), message("http://mixed.test:"+port+"/"), 1).Class)
}

func TestEgress_ProxyEnvironment(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	var c webhook.Client
	t.Cleanup(c.CloseIdleConnections)
	for _, url := range []string{"http://169.254.169.254/latest/", "https://10.0.0.1/"} {
		require.Equal(t, webhook.ClassUnreachable, c.Try(t.Context(), message(url), 1).Class)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	require.NoError(t, newClient(t, loopback).Send(t.Context(), message(srv.URL)))
}

func TestEgress_Proxy(t *testing.T) {
	t.Parallel()
	var host string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.URL.Host
		_, _ = io.WriteString(w, "from the proxy")
	}))
	t.Cleanup(proxy.Close)
	u, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	c := newClient(t, webhook.Egress{Proxy: u})
	u.Host = "192.0.2.1:9" // copied
	a := c.Try(t.Context(), message("http://10.0.0.1:9/hook"), 1)
	require.NoError(t, a.Err, "the proxy decides")
	require.Equal(t, "from the proxy", string(a.Body))
	require.Equal(t, "10.0.0.1:9", host)
}

func clientWithResolver(t testing.TB, e webhook.Egress, r *net.Resolver) *webhook.Client {
	c := &webhook.Client{Transport: webhook.NewTransportDialer(e, net.Dialer{Resolver: r})}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// fakeDNS returns a resolver that asks a name server inside the test. answers returns
// the A records; nil is NXDOMAIN, an empty list is SERVFAIL.
func fakeDNS(t testing.TB, answers func() []string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		// No packets, so the resolver writes as over TCP: the length comes first.
		client, server := net.Pipe()
		t.Cleanup(func() { _ = client.Close() })
		go serveDNS(server, answers)
		return client, nil
	}}
}

func serveDNS(conn net.Conn, answers func() []string) {
	defer conn.Close()
	for {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := dnsReply(query, answers)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func dnsReply(query []byte, answers func() []string) []byte {
	end := 12 // of the question: a name of labels, a type and a class
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	isA := binary.BigEndian.Uint16(query[end-4:]) == 1
	flags, records := uint16(0x8180), []string(nil) // no error, recursion available
	if isA {
		records = answers()
		switch {
		case records == nil:
			flags |= 3 // NXDOMAIN
		case len(records) == 0:
			flags |= 2 // SERVFAIL
		}
	}
	reply := append([]byte{}, query[:2]...)
	for _, n := range []uint16{flags, 1, uint16(len(records)), 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, n)
	}
	reply = append(reply, query[12:end]...)
	for _, record := range records {
		// The question's name, A, IN, TTL 0, 4 bytes.
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, netip.MustParseAddr(record).AsSlice()...)
	}
	return reply
}
