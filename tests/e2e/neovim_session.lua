-- A user's session in Neovim with `zi lsp`, without a screen: prints a line per check and ends with status 0 if all hold.
-- nvim --headless -u NONE -i NONE -n area.py -c 'luafile neovim_session.lua'; $SERVER_PYTHON is the interpreter to use.

local WAIT_MS = 60000
local failures = 0

local function check(name, ok, info)
  if not ok then failures = failures + 1 end
  io.stdout:write((ok and 'ok   ' or 'FAIL ') .. name .. (ok and '' or '  -> ' .. tostring(info)) .. '\n')
end

local function keys(text)
  return vim.api.nvim_replace_termcodes(text, true, false, true)
end

local function session()
  vim.bo.filetype = 'python'
  local buffer, statuses = vim.api.nvim_get_current_buf(), {}
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  local id = vim.lsp.start({
    name = 'zi',
    cmd = { vim.env.SERVER_PYTHON, '-P', '-m', 'zicoder', 'lsp' },
    root_dir = vim.fn.getcwd(),
    capabilities = capabilities,
    handlers = { ['zi/status'] = function(_, status) table.insert(statuses, status) end },
  })
  check('attached', id ~= nil and vim.wait(WAIT_MS, function() return vim.lsp.buf_is_attached(buffer, id) end, 20))
  local ready = function() return #statuses > 0 and statuses[#statuses].state == 'ready' end
  check('status becomes ready', vim.wait(WAIT_MS, ready, 20), vim.inspect(statuses))
  local client = vim.lsp.get_client_by_id(id)

  -- hover, in Neovim's own floating window
  vim.api.nvim_win_set_cursor(0, { 1, 5 })
  vim.lsp.buf.hover()
  local float
  vim.wait(WAIT_MS, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then float = window end
    end
    return float ~= nil
  end, 20)
  local shown = float and table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(float), 0, -1, false), ' ')
  check('hover float', shown and shown:find('area(width, height)', 1, true), shown)
  if float then vim.api.nvim_win_close(float, true) end

  -- completion by the omnifunc that Neovim sets by itself, from insert mode
  check('omnifunc is set', vim.bo.omnifunc == 'v:lua.vim.lsp.omnifunc', vim.bo.omnifunc)
  vim.o.completeopt = 'menuone,noselect'
  local last = vim.api.nvim_buf_line_count(buffer)
  vim.api.nvim_buf_set_lines(buffer, last, last, false, { 'import os', 'os.getcw' })
  vim.api.nvim_win_set_cursor(0, { last + 2, 8 })
  local words
  local timer = vim.uv.new_timer()
  -- '!' keeps insert mode, in which the menu lives, until typed keys end it: the timer types them
  timer:start(50, 50, vim.schedule_wrap(function()
    local items = vim.fn.complete_info({ 'items' }).items
    if #items > 0 then
      words = vim.tbl_map(function(item) return item.word end, items)
      timer:stop()
      vim.api.nvim_feedkeys(keys('<C-e><Esc>'), 'n', false)
    end
  end))
  vim.defer_fn(function()
    if not words then vim.api.nvim_feedkeys(keys('<Esc>'), 'n', false) end
  end, WAIT_MS)
  vim.api.nvim_feedkeys(keys('A<C-x><C-o>'), 'x!', false)
  check('omnifunc menu', words and vim.tbl_contains(words, 'getcwd'), vim.inspect(words))

  -- ghost text: Neovim before 0.12 has no inline completion of its own, so a raw request and a mark with virtual text
  local result, error = client:request_sync('textDocument/inlineCompletion', {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = { line = 1, character = 11 },
    context = { triggerKind = 1 },
  }, WAIT_MS, buffer)
  local items = result and result.result and result.result.items or {}
  local text = items[1] and items[1].insertText
  check('inlineCompletion', text == 'width * height', vim.inspect(result or error))
  local namespace = vim.api.nvim_create_namespace('zi-ghost')
  local options = { virt_text = { { text or '?', 'Comment' } }, virt_text_pos = 'inline' }
  vim.api.nvim_buf_set_extmark(buffer, namespace, 1, 11, options)
  local marks = vim.api.nvim_buf_get_extmarks(buffer, namespace, 0, -1, { details = true })
  check('ghost text on the line', #marks == 1 and marks[1][4].virt_text[1][1] == 'width * height', vim.inspect(marks))

  -- a command of the server
  result, error = client:request_sync('workspace/executeCommand', { command = 'zi.whyNoSuggestion' }, WAIT_MS, buffer)
  local outcome = result and result.result and result.result.outcome
  check('executeCommand', outcome == 'shown', vim.inspect(result or error))

  client:stop()
  check('clean shutdown', vim.wait(WAIT_MS, function() return client:is_stopped() end, 20))
end

local ok, problem = xpcall(session, debug.traceback)
if not ok then check('session', false, problem) end
vim.cmd(failures == 0 and 'qa!' or 'cquit')
