#include "ranks/ranks.hpp"

#include <algorithm>
#include <cstdlib>

namespace hallmark {

int launched_together() {
  // Open MPI's mpirun, MPICH's and Intel's. SLURM_NTASKS is of the job, also for what is not started by srun.
  for (const char* const name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* const size = std::getenv(name)) return std::max(1, std::atoi(size));
  return 1;
}

}  // namespace hallmark
