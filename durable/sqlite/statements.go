package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// A preparer makes connections that keep the statements prepared which they run: to
// prepare one takes longer than to run it, and River prepares none.
type preparer struct{ driver.Connector }

// Connect makes a connection.
func (p preparer) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := c.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("durable: a %T lacks methods of SQLite's connections", c)
	}
	return &conn{sqliteConn: whole, stmts: make(map[string]*statement)}, nil
}

// sqliteConn is what the driver says that its connections are, which database/sql makes
// use of.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A conn is used by one goroutine at a time, as database/sql sees to.
type conn struct {
	sqliteConn
	stmts map[string]*statement // by their text
}

// maxStatements is far more than there are, but for those of River's with a list of
// arguments, whose texts are as many as lengths of it.
const maxStatements = 200

// A statement is prepared. It is busy while its rows are read.
type statement struct {
	driver.Stmt
	busy bool
}

// prepared returns the statement for a text, or nil if it is busy.
func (c *conn) prepared(ctx context.Context, text string) (*statement, error) {
	if s, ok := c.stmts[text]; ok {
		if s.busy {
			return nil, nil //nolint:nilnil // as the comment says
		}
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	stmt, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: stmt}
	c.stmts[text] = s
	return s, nil
}

// forget closes the statements that are not busy.
func (c *conn) forget() {
	for text, s := range c.stmts {
		if !s.busy {
			_ = s.Close() // an error would be that of its last run
			delete(c.stmts, text)
		}
	}
}

// ExecContext runs a statement.
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, text, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext runs a statement that returns rows.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, text, args)
	}
	r, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &rows{Rows: r, of: s}, nil
}

// Close closes the connection and its statements.
func (c *conn) Close() error {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	c.stmts = nil
	return c.sqliteConn.Close()
}

type rows struct {
	driver.Rows
	of *statement
}

// Close ends the reading of the rows.
func (r *rows) Close() error {
	err := r.Rows.Close()
	r.of.busy = false
	return err
}
