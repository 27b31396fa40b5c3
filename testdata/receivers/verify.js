// Answers 200 to what the functions of docs/receivers.md take for genuine, 401 to anything else. The secret comes along.
const http = require('node:http')
const { verify, verifyBody } = require(process.env.RINGHOOK_BLOCKS + '/webhook.js')

const server = http.createServer(async (req, res) => {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const key = req.headers['x-key']
  const genuine = key === undefined
    ? verify(req.headers['x-secret'] ?? '', req.headers, body)
    : verifyBody(key, req.headers, req.method === 'GET' ? req.url.split('?')[1] : body)
  res.writeHead(genuine ? 200 : 401).end()
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
