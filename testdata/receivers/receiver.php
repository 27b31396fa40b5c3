<?php
// Answers with what PHP reads of a webhook: $_GET, $_POST, json_decode and fgetcsv, and SimpleXML where it is installed.
// Started by receivers_test.go: php -S 127.0.0.1:0 receiver.php

function readCSV(string $text): array
{
    $file = fopen('php://memory', 'r+');
    fwrite($file, $text);
    rewind($file);
    $rows = [];
    while (($row = fgetcsv($file, null, ',', '"', '')) !== false) {
        $rows[] = $row;
    }
    return $rows;
}

function readXML(SimpleXMLElement $element): array
{
    $attributes = $elements = [];
    foreach ($element->attributes() as $name => $value) {
        $attributes[$name] = (string) $value;
    }
    foreach ($element->children() as $child) {
        $elements[] = readXML($child);
    }
    return [$element->getName(), (object) $attributes, $elements ?: (string) $element];
}

$raw = file_get_contents('php://input');
$read = ['raw' => strlen($raw), 'header' => $_SERVER['HTTP_X_TEXT'] ?? ''];
$reader = 'PHP';
switch (explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]) {
    case 'application/json':
        $read['tree'] = json_decode($raw, true);
        if (json_last_error() !== JSON_ERROR_NONE) {
            $read['error'] = json_last_error_msg();
        }
        break;
    case 'text/plain':
        $read['tree'] = $raw;
        break;
    case 'text/csv':
        $read['tree'] = readCSV($raw);
        break;
    case 'application/xml':
        $reader = function_exists('simplexml_load_string') ? 'SimpleXML' : null;
        $read['tree'] = $reader ? readXML(simplexml_load_string($raw)) : null;
        break;
    default:
        $read['tree'] = $_SERVER['REQUEST_METHOD'] === 'GET' ? $_GET : $_POST;
}
header('Content-Type: application/json');
echo json_encode($reader ? [$reader => $read] : (object) [], JSON_THROW_ON_ERROR);
