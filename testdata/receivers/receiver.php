<?php
// Answers with what PHP reads of a webhook: $_GET, $_POST or json_decode. Started by receivers_test.go: php -S 127.0.0.1:0 receiver.php
$raw = file_get_contents('php://input');
$read = ['raw' => strlen($raw), 'header' => $_SERVER['HTTP_X_TEXT']];
if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    $read['tree'] = $_GET;
} elseif (str_starts_with($_SERVER['CONTENT_TYPE'], 'application/json')) {
    $read['tree'] = json_decode($raw, true);
    if (json_last_error() !== JSON_ERROR_NONE) {
        $read['error'] = json_last_error_msg();
    }
} else {
    $read['tree'] = $_POST;
}
header('Content-Type: application/json');
echo json_encode(['PHP' => $read], JSON_THROW_ON_ERROR);
