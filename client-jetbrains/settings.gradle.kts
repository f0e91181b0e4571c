rootProject.name = "zi-coder"
include("core")
