# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""mko.microk8s.node_hardware: the script goes over as one command, what it prints becomes a file on the controller."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import os
import re

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.action import ActionBase

SIZE_MAX = 16 << 20


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec={
            'script': {'type': 'str', 'required': True}, 'folder': {'type': 'str', 'required': True}, 'timeout': {'type': 'int', 'default': 120},
                           'sections': {'type': 'list', 'elements': 'str', 'default': []}})
        with open(self._find_needle('files', arguments['script']), encoding='utf-8') as script:
            lines = [line for line in script.read().splitlines() if not line.startswith('#')]
        if arguments['sections']:
            lines.insert(0, "ONLY=' %s '" % ' '.join(re.sub('[^a-z_]', '', name) for name in arguments['sections']))
        command = 'timeout -k 5 %d /bin/sh -c %s' % (max(10, min(600, arguments['timeout'])), self._quote('\n'.join(lines)))
        done = self._low_level_execute_command(command, sudoable=True, executable='/bin/sh')
        data = to_bytes(done.get('stdout', ''), errors='surrogate_then_replace')[:SIZE_MAX]
        if not re.search(rb'^@stat_begin', data, re.M):
            raise AnsibleActionFail('The collector did not run: %s' % (done.get('stderr') or done.get('stdout') or 'it printed nothing')[:300])
        self._keep(arguments['folder'], task_vars['inventory_hostname'], data)
        result.update(changed=False, size=len(data))
        return result

    def _quote(self, text):
        return "'%s'" % text.replace("'", "'\"'\"'")

    def _keep(self, folder, name, data):
        """Write the file as a whole or not at all."""
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, os.path.basename(name))
        with open(os.open(path + '.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as out:
            out.write(data)
        os.replace(path + '.new', path)
