// Answers with what Node reads of a webhook: JSON.parse, URLSearchParams and Request.formData, and qs and busboy where they
// are installed, which Express and its like use. Started by receivers_test.go: node receiver.js
const http = require('node:http')

function optional(name) {
  try {
    return require(name)
  } catch {
    return null
  }
}
const qs = optional('qs')
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

async function read(method, url, type, body) {
  if (method === 'GET') {
    const { search, searchParams } = new URL(url, 'http://localhost')
    return { Node: () => ({ fields: [...searchParams] }), qs: qs && (() => ({ tree: qs.parse(search.slice(1)) })) }
  }
  if (type.startsWith('application/json')) {
    return { Node: () => ({ tree: JSON.parse(body) }) }
  }
  const request = new Request('http://localhost', { method, headers: { 'content-type': type }, body })
  const readers = { Node: async () => ({ fields: [...await request.formData()] }) }
  if (type.startsWith('multipart/form-data')) {
    readers.busboy = busboy && (() => readBusboy(type, body))
  } else {
    readers.qs = qs && (() => ({ tree: qs.parse(body.toString()) }))
  }
  return readers
}

const server = http.createServer(async (req, res) => {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const answer = {}
  for (const [name, reader] of Object.entries(await read(req.method, req.url, req.headers['content-type'], body))) {
    if (!reader) continue
    try {
      answer[name] = { raw: body.length, header: req.headers['x-text'], ...await reader() }
    } catch (e) {
      answer[name] = { error: String(e) }
    }
  }
  res.end(JSON.stringify(answer))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
