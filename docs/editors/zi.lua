-- Zi Coder in Neovim 0.11: `require("zi").setup()` after copying this file to ~/.config/nvim/lua/zi.lua.
-- Ghost text while you type, `<Tab>` accepts it; `:Zi` runs /commands; the rest is Neovim's own.
local M = {}
local ns = vim.api.nvim_create_namespace("zi")
local shown, pending -- { buf, row, col, lines }, { client, id }
local streams = {} -- token -> what is done with the messages of a running command

local function client_of(buf)
  return vim.lsp.get_clients({ bufnr = buf or 0, name = "zi" })[1]
end

local function hide()
  if pending then
    pending.client:cancel_request(pending.id)
  end
  if shown and vim.api.nvim_buf_is_valid(shown.buf) then
    vim.api.nvim_buf_clear_namespace(shown.buf, ns, 0, -1)
  end
  shown, pending = nil, nil
end

local function show(buf, lines)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local below = {}
  for n = 2, #lines do
    below[#below + 1] = { { lines[n], "Comment" } }
  end
  vim.api.nvim_buf_set_extmark(buf, ns, row - 1, col, {
    virt_text = { { lines[1], "Comment" } },
    virt_text_pos = "inline",
    virt_lines = #below > 0 and below or nil,
  })
  shown = { buf = buf, row = row - 1, col = col, lines = lines }
end

function M.suggest(kind) -- 1: asked for by hand, 2: while typing
  hide()
  local client, buf, tick = client_of(), vim.api.nvim_get_current_buf(), vim.b.changedtick
  if not client then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind or 2 }
  local ok, id = client:request("textDocument/inlineCompletion", params, function(_, result)
    local item = result and result.items and result.items[1]
    local here = vim.api.nvim_get_current_buf() == buf and vim.b.changedtick == tick
    if item and here and (kind == 1 or vim.api.nvim_get_mode().mode:sub(1, 1) == "i") then
      hide()
      show(buf, vim.split(item.insertText, "\r?\n"))
    end
  end, buf)
  pending = ok and { client = client, id = id } or nil
end

function M.accept() -- true if there was something to accept
  local s = shown
  hide()
  if not s then
    return false
  end
  vim.api.nvim_buf_set_text(s.buf, s.row, s.col, s.row, s.col, s.lines)
  local last = s.lines[#s.lines]
  vim.api.nvim_win_set_cursor(0, { s.row + #s.lines, #s.lines == 1 and s.col + #last or #last })
  return true
end

local function window()
  local buf = vim.fn.bufnr("zi://answer", true)
  vim.bo[buf].buftype, vim.bo[buf].swapfile, vim.bo[buf].filetype = "nofile", false, "markdown"
  if vim.fn.bufwinid(buf) < 0 then
    local here = vim.api.nvim_get_current_win()
    vim.cmd("botright 15split | buffer " .. buf)
    vim.api.nvim_set_current_win(here)
  end
  return function(text)
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(text, "\r?\n"))
  end
end

function M.run(text, range, done) -- range: first and last line, or nil for the cursor
  local client, buf = client_of(), vim.api.nvim_get_current_buf()
  if not client then
    return vim.notify("Zi does not run for this file.", vim.log.levels.WARN)
  end
  local at = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  local place = { start = at, ["end"] = at }
  if range then
    place = { start = { line = range[1] - 1, character = 0 }, ["end"] = { line = range[2], character = 0 } }
  end
  local token, said, write = "zi-" .. vim.uv.hrtime(), "", window()
  streams[token] = function(event)
    if event.kind == "delta" then
      said = said .. event.text
      write(said)
    end
  end
  local argument = { text = text, uri = vim.uri_from_bufnr(buf), range = place, conversation = M.conversation }
  argument.token = token
  local params = { command = "zi.run", arguments = { argument } }
  client:request("workspace/executeCommand", params, function(failed, answer)
    streams[token] = nil
    local problem = failed or (answer and answer.error ~= vim.NIL and answer.error)
    write(problem and table.concat({ problem.message, problem.hint or "" }, "\n") or answer.text)
    M.conversation = answer and answer.data and answer.data.conversation or M.conversation
    if done then
      done(answer)
    end
  end, buf)
end

local function told(_, params, ctx)
  local tell = streams[params.token]
  if not tell then
    return M.progress and M.progress(_, params, ctx)
  end
  for _, event in ipairs(params.value.events) do
    tell(event)
  end
end

local function command(given)
  M.run(given.args, given.range > 0 and { given.line1, given.line2 } or nil)
end

function M.setup(config)
  M.progress = vim.lsp.handlers["$/progress"]
  local base = { cmd = { "zi", "lsp" }, root_markers = { ".zicoder", "pyproject.toml", ".git" } }
  base.handlers = { ["$/progress"] = told }
  vim.lsp.config("zi", vim.tbl_deep_extend("force", base, config or {}))
  vim.lsp.enable("zi")
  local group, on = vim.api.nvim_create_augroup("zi", {}), vim.api.nvim_create_autocmd
  on({ "InsertEnter", "TextChangedI" }, { group = group, callback = function() M.suggest() end })
  on("InsertLeave", { group = group, callback = hide })
  on({ "BufEnter", "LspAttach", "CursorHold" }, { group = group, callback = function() -- lets the server get ready
    local client = client_of()
    if client then
      client:notify("zi/cursorMoved", vim.lsp.util.make_position_params(0, client.offset_encoding))
    end
  end })
  vim.keymap.set("i", "<Tab>", function()
    if not shown then
      return "<Tab>"
    end
    vim.schedule(M.accept)
    return ""
  end, { expr = true })
  vim.api.nvim_create_user_command("Zi", command, { nargs = "+", range = true })
end

return M
