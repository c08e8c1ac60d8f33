-- Documents about dialogs (RFC 4235): what a telephone tells of its calls, and what a reader needs to take one over (RFC 3891).
local sip = require "sip"

local dialog_info = {}

-- The document of a telephone: one dialog in this state ("early", "confirmed", ...), or none. `dialog` gives its identifiers.
-- Returns options of sub:notify.
function dialog_info.document(ua, version, state, dialog)
  local ids = dialog and (' call-id="%s" local-tag="%s" remote-tag="%s"'):format(dialog.call_id, dialog.local_tag, dialog.remote_tag) or ""
  local remote = dialog and ('<remote><target uri="%s"/></remote>'):format(dialog.remote_target) or ""
  local one = state and ('<dialog id="1"%s><state>%s</state>%s</dialog>'):format(ids, state, remote) or ""
  return { content_type = "application/dialog-info+xml", body = '<?xml version="1.0"?>\r\n'
    .. ('<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="full" entity="%s">%s</dialog-info>\r\n'):format(version,
      ua.aor, one) }
end

-- What a document says: state, and of the side that talks with the telephone its target and the value of Replaces that names the dialog
-- to it; given.early_only as of sip.replaces.
function dialog_info.read(message, given)
  local body = message.body
  local call_id, local_tag, remote_tag = body:match 'call%-id="([^"]*)"', body:match 'local%-tag="([^"]*)"', body:match 'remote%-tag="([^"]*)"'
  return { state = body:match "<state>(%a+)</state>", target = body:match '<target uri="([^"]*)"',
    replaces = call_id and sip.replaces { call_id = call_id, to_tag = remote_tag, from_tag = local_tag, early_only = given and given.early_only } }
end

return dialog_info
