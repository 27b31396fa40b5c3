<?php
// Answers 200 to what the functions of docs/receivers.md take for genuine, 401 to anything else. The secret comes along.
require getenv('RINGHOOK_BLOCKS') . '/webhook.php';

$body = file_get_contents('php://input');
$key = $_SERVER['HTTP_X_KEY'] ?? null;
if ($key === null) {
    $genuine = verify($_SERVER['HTTP_X_SECRET'] ?? '', $_SERVER, $body);
} else {
    $genuine = verifyBody($key, $_SERVER, $_SERVER['REQUEST_METHOD'] === 'GET' ? $_SERVER['QUERY_STRING'] : $body);
}
http_response_code($genuine ? 200 : 401);
