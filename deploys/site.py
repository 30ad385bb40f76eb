"""The whole site; the only deploy script. Run it from the project's root:

    pyinfra inventory/lab.py deploys/site.py --dry --diff      what would change
    pyinfra -y inventory/lab.py deploys/site.py                converge
    pyinfra -y inventory/lab.py deploys/site.py --limit ob-a --data only=oceanbase

pyinfra executes this once for each host; the host's components follow from its roles
in the inventory.
"""

from deploys.converge import converge_host

converge_host()
