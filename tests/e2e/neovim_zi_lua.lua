-- A user's session with docs/editors/zi.lua as it is copied: ghost text, accepting it, a code action, a /command.
-- $ZI_LUA is the folder of the file, $SERVER_PYTHON the interpreter. Prints a line per check; status 0 if all hold.

local WAIT_MS = 60000
local failures = 0

local function check(name, ok, info)
  if not ok then failures = failures + 1 end
  io.stdout:write((ok and 'ok   ' or 'FAIL ') .. name .. (ok and '' or '  -> ' .. tostring(info)) .. '\n')
end

local function wait(holds)
  return vim.wait(WAIT_MS, holds, 20)
end

local function session()
  package.path = vim.env.ZI_LUA .. '/?.lua;' .. package.path
  local zi, ready = require('zi'), false
  zi.setup({
    cmd = { vim.env.SERVER_PYTHON, '-P', '-m', 'zicoder', 'lsp' },
    handlers = { ['zi/status'] = function(_, status) ready = ready or status.state == 'ready' end },
  })
  vim.bo.filetype = 'python'
  local buffer = vim.api.nvim_get_current_buf()
  local client
  check('attached', wait(function()
    client = vim.lsp.get_clients({ bufnr = buffer, name = 'zi' })[1]
    return client ~= nil and client.initialized
  end))
  check('status becomes ready', wait(function() return ready end))

  -- ghost text comes when it is asked for, and is accepted
  vim.o.virtualedit = 'onemore' -- a script is not in insert mode, where the cursor can stand behind the line
  vim.api.nvim_win_set_cursor(0, { 2, 11 })
  zi.suggest(1)
  local spaces = vim.api.nvim_get_namespaces()
  local function marks() return vim.api.nvim_buf_get_extmarks(buffer, spaces.zi, 0, -1, { details = true }) end
  check('ghost text', wait(function() return #marks() > 0 end))
  check('nothing is in the buffer yet', vim.api.nvim_buf_get_lines(buffer, 1, 2, false)[1] == '    return ')
  check('accepted', zi.accept() and #marks() == 0)
  local line = vim.api.nvim_buf_get_lines(buffer, 1, 2, false)[1]
  check('the suggestion is in the buffer', line == '    return width * height', line)
  check('the mapping for Tab', vim.fn.maparg('<Tab>', 'i', false, true).expr == 1)

  -- a code action: the import of a name that is missing
  vim.api.nvim_buf_set_lines(buffer, -1, -1, false, { 'print(os.sep)' })
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 6 })
  local titles = {}
  check('code action', wait(function()
    local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
    local last = vim.api.nvim_buf_line_count(buffer) - 1
    local range = { start = { line = last, character = 6 }, ['end'] = { line = last, character = 8 } }
    local problem = { range = range, message = '"os" is not defined', severity = 1, source = 'Pyright' }
    params.context = { diagnostics = { problem }, triggerKind = 1 }
    local answer = client:request_sync('textDocument/codeAction', params, WAIT_MS, buffer)
    titles = vim.tbl_map(function(action) return action.title end, answer and answer.result or {})
    return vim.iter(titles):any(function(title) return title:find('import os', 1, true) end)
  end), vim.inspect(titles))

  -- a /command, whose answer streams into a window of its own
  vim.cmd('Zi why is that?')
  local function answer()
    local found = vim.fn.bufnr('zi://answer')
    return found > 0 and table.concat(vim.api.nvim_buf_get_lines(found, 0, -1, false), '\n') or ''
  end
  check('the answer of a /command', wait(function() return answer() == 'Because of the area.' end), answer())
  check('a conversation goes on', wait(function() return type(zi.conversation) == 'string' end), zi.conversation)
  vim.cmd('Zi /fxi')
  check('what is wrong is said', wait(function() return answer():find('/fix', 1, true) end), answer())

  client:stop()
  check('clean shutdown', wait(function() return client:is_stopped() end))
end

local ok, problem = xpcall(session, debug.traceback)
if not ok then check('session', false, problem) end
vim.cmd(failures == 0 and 'qa!' or 'cquit')
