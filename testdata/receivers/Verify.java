// Answers 200 to what the methods of docs/receivers.md take for genuine, 401 to anything else. The secret comes along.
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.util.Objects;

final class Verify {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Headers headers = exchange.getRequestHeaders();
            boolean genuine;
            try {
                if (headers.containsKey("X-Key")) {
                    if (exchange.getRequestMethod().equals("GET")) {
                        body = exchange.getRequestURI().getRawQuery().getBytes();
                    }
                    genuine = Webhook.verifyBody(headers.getFirst("X-Key"), headers::getFirst, body);
                } else {
                    genuine = Webhook.verify(Objects.toString(headers.getFirst("X-Secret"), ""), headers::getFirst, body);
                }
            } catch (GeneralSecurityException e) {
                throw new IOException(e);
            }
            exchange.sendResponseHeaders(genuine ? 200 : 401, -1);
            exchange.close();
        });
        server.start();
        System.out.println("http://127.0.0.1:" + server.getAddress().getPort());
    }
}
