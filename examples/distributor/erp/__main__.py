"""Runs the ERP."""

from examples.distributor.erp.web import application
from examples.distributor.harness import run
from examples.distributor.world import World

run(application(World.build()), "erp")
