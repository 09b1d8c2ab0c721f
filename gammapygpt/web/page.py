"""The script that `streamlit run` runs, anew for each click of each user."""

import sys

from gammapygpt.web.app import show

if __name__ == "__main__":
    show(sys.argv[1:])
