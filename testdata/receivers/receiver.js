// Answers with what Node reads of a webhook: JSON.parse, URLSearchParams and Request.formData; and where they are installed,
// Express, and busboy, which multer and its like use. Started by receivers_test.go: node receiver.js
const http = require('node:http')

function optional(name) {
  try {
    return require(name)
  } catch {
    return null
  }
}
const express = optional('express')
const busboy = optional('busboy')

function readBusboy(type, body) {
  return new Promise((resolve, reject) => {
    const fields = []
    const parser = busboy({ headers: { 'content-type': type } })
    parser.on('field', (name, value) => fields.push([name, value]))
    parser.on('error', reject)
    parser.on('close', () => resolve({ fields }))
    parser.end(body)
  })
}

// listen returns the address of a server.
function listen(handler) {
  return new Promise((resolve) => {
    const server = http.createServer(handler)
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
  })
}

// startExpress returns the address of an application that answers with what it reads.
function startExpress() {
  const app = express()
  app.set('query parser', 'extended')
  app.post('/raw', express.raw({ type: () => true }), (req, res) => res.json({ raw: req.body.length }))
  app.use(express.json(), express.urlencoded({ extended: true }))
  app.use((req, res) => res.json({ tree: req.method === 'GET' ? req.query : req.body }))
  app.use((err, req, res, next) => res.json({ error: String(err) }))
  return listen(app)
}

// read returns functions that read, by the names of what they use.
function read(method, url, type, body, expressURL) {
  const kind = type.split(';')[0]
  if (kind === 'text/plain') return { Node: () => ({ tree: body.toString() }) }
  if (kind === 'text/csv' || kind === 'application/xml') return {}
  const options = method === 'GET' ? {} : { method, headers: { 'content-type': type }, body }
  const readers = {}
  if (method === 'GET') {
    readers.Node = () => ({ fields: [...new URL(url, 'http://localhost').searchParams] })
  } else if (kind === 'application/json') {
    readers.Node = () => ({ tree: JSON.parse(body) })
  } else {
    readers.Node = async () => ({ fields: [...await new Request('http://localhost', options).formData()] })
  }
  if (kind === 'multipart/form-data') {
    readers.busboy = busboy && (() => readBusboy(type, body))
  } else {
    const ask = async (path) => (await fetch(expressURL + path, options)).json()
    readers.Express = express && (async () => ({ ...await ask(url), ...method === 'POST' && await ask('/raw') }))
  }
  return readers
}

async function main() {
  const expressURL = express && await startExpress()
  console.log(await listen(async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const answer = {}
    const readers = read(req.method, req.url, req.headers['content-type'] ?? '', body, expressURL)
    for (const [name, reader] of Object.entries(readers)) {
      if (!reader) continue
      try {
        answer[name] = { raw: body.length, header: req.headers['x-text'], ...await reader() }
      } catch (e) {
        answer[name] = { error: String(e) }
      }
    }
    res.end(JSON.stringify(answer))
  }))
}
main()
